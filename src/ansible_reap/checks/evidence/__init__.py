"""Evidence for the rules: a task's work, its neighbours, its conditions, its measured run times."""
