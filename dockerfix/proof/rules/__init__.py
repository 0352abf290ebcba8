"""The named rules under which two chains may differ.

Each rule says for one pair of steps, for a step that is gone, or for one that is new, whether
the difference leaves the image what it was; every use of a rule is reported with its name. A
rule that spans several steps (`sibling-image`) belongs here as a function over what is left.
Knows what a difference means; knows nothing of how the other file came about.
"""
