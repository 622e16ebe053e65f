"""What operators do: a class per noun, a method per mutation."""
