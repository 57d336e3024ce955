"""The fixes, one kind a module, each offered by a check where it is safe.

Safe means: nothing but the task at fault and what is added changes, the file's own layout is kept, and what the task
does on its ordinary path stays the same but for the defect.
"""
