# networkx
import networkx as nx
graph = nx.petersen_graph()
assert nx.diameter(graph) == 2 and nx.is_connected(graph)
net = nx.DiGraph()
net.add_weighted_edges_from([("a", "b", 1), ("b", "c", 2), ("a", "c", 5)])
assert nx.dijkstra_path(net, "a", "c") == ["a", "b", "c"]
assert list(nx.topological_sort(net)) == ["a", "b", "c"]
assert len(list(nx.connected_components(nx.Graph([(1, 2), (3, 4)])))) == 2
