"""Following changes: from the database of several processes to the subscriptions of this one."""
