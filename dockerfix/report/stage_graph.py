"""The stages of one Dockerfile as a drawing.

Pure. A full arrow is FROM, a dashed one `COPY --from` or a mount. The last stage is marked: it
is what a build without a target gives.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.report.drawing import Arrow, Box, Drawing, Mark
from dockerfix.syntax.dockerfile import Stage
from dockerfix.text.units import counted


def draw_stages(graph: StageGraph, title: str) -> Drawing:
    """The drawing of all stages, and of the images below them."""
    boxes: dict[str, Box] = {}
    arrows: dict[Arrow, None] = {}
    last = graph.stages[-1] if graph.stages else None
    for stage in graph.stages:
        mark = Mark.PATH if stage is last else Mark.PLAIN
        for name, arrow in _sources(graph, stage):
            if name is not None:
                boxes.setdefault(f"image {name}", _image(name))
            arrows[arrow] = None
        boxes[_id(stage)] = Box(_id(stage), (_name(stage),), "", mark, _counted(stage))
    return Drawing(title, tuple(boxes.values()), tuple(arrows))


def _sources(graph: StageGraph, stage: Stage) -> Iterator[tuple[str | None, Arrow]]:
    """What a stage needs: the image's name where it is one, and the arrow."""
    below = graph.base(stage)
    image = None if below is not None else graph.image(stage) or "?"
    yield image, Arrow(_id(below) if below is not None else f"image {image}", _id(stage))
    for reference in graph.references(stage):
        other = reference.stage
        if other is not None:
            yield None, Arrow(_id(other), _id(stage), dashed=True)
        else:
            name = graph.expand(reference.text)
            yield name, Arrow(f"image {name}", _id(stage), dashed=True)


def _image(name: str) -> Box:
    return Box(f"image {name}", (name,), "", Mark.OUTSIDE, f"the image {name}")


def _id(stage: Stage) -> str:
    return f"stage {stage.index}"


def _name(stage: Stage) -> str:
    return stage.name or f"stage {stage.index}"


def _counted(stage: Stage) -> str:
    count = len(stage.instructions)
    return f"{_name(stage)}: {counted(count, 'instruction')}"
