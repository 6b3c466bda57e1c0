"""What is known of the stores themselves: their errors, their upload options, what killed uploads leave."""
