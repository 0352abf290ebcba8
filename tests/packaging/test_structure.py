"""The structure of the code: what import-linter's contracts cannot say."""

import grimp
import networkx


def test_no_module_imports_itself_through_others() -> None:
    """Imports for type checkers and inside of functions count too."""
    graph = grimp.build_graph("dockerfix", "dockerfix_transforms")
    imports: networkx.DiGraph[str] = networkx.DiGraph(
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    )
    circles = [sorted(found) for found in networkx.strongly_connected_components(imports)]
    assert [found for found in circles if len(found) > 1] == []
