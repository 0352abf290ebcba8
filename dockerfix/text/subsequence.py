"""The heaviest common subsequence of two sequences. Knows nothing of what stands in them."""

from __future__ import annotations

from collections.abc import Callable


def common_subsequence(
    rows: int, columns: int, weight: Callable[[int, int], int]
) -> list[tuple[int, int]]:
    """The matches in order, each as an index into the first sequence, which has `rows` items,
    and an index into the second, which has `columns`.

    `weight` gives what a match of two items is worth, 0 where they do not match. Of several
    subsequences that weigh the same, the one that skips items of the first sequence first is
    taken.
    """
    weights = [[weight(i, j) for j in range(columns)] for i in range(rows)]
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            best[i][j] = max(best[i + 1][j], best[i][j + 1])
            if weights[i][j]:
                best[i][j] = max(best[i][j], best[i + 1][j + 1] + weights[i][j])
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < rows and j < columns:
        if weights[i][j] and best[i][j] == best[i + 1][j + 1] + weights[i][j]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found
