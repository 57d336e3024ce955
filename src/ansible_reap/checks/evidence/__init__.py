"""What rules ask about a task: its work, its neighbours, conditions, measured run times."""
