"""The heaviest common subsequence of two lists of keys. Knows nothing of what a key stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def common_subsequence(
    one: Sequence[str], other: Sequence[str], weight: Callable[[int], int] = lambda _: 1
) -> list[tuple[int, int]]:
    """The matches in order, each as an index into `one` and an index into `other`.

    `weight` gives what a match of an index of `other` is worth; of several subsequences that
    weigh the same, the one that skips keys of `one` first is taken.
    """
    rows, columns = len(one), len(other)
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            best[i][j] = max(best[i + 1][j], best[i][j + 1])
            if one[i] == other[j]:
                best[i][j] = max(best[i][j], best[i + 1][j + 1] + weight(j))
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < rows and j < columns:
        if one[i] == other[j] and best[i][j] == best[i + 1][j + 1] + weight(j):
            found.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found
