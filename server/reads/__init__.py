"""From a selection to statements to rows: planning, visibility, keyset pages."""
