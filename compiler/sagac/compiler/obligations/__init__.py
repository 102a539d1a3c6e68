"""What is owed for a saga: one family of properties a module, each with an `owe` that returns obligations as data."""
