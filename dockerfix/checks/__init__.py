"""Things worth looking at that need no patch: each check is one module with what it finds.

A check reads facts and yields findings, and only what reading can be sure of: where a variable,
an include or a script stands in the way, it says nothing. Knows no transform and edits nothing.
"""
