// What dagre asks of a browser and the engine lacks: it copies plain data only.
function structuredClone(value) { return JSON.parse(JSON.stringify(value)); }

// The value of this script: from the graph as JSON to the placed graph as JSON.
(function (text) {
  const given = JSON.parse(text);
  const nodes = given.nodes || [], edges = given.edges || [];
  // Boxes around nodes take as long as all the rest.
  const boxes = nodes.some((node) => node.parent);
  const graph = new dagre.graphlib.Graph({ compound: boxes, multigraph: true });
  graph.setGraph({
    rankdir: given.direction, nodesep: given.nodeGap, edgesep: given.nodeGap / 2,
    ranksep: given.layerGap, marginx: 8, marginy: 8,
  });
  for (const node of nodes) graph.setNode(node.id, { width: node.width, height: node.height });
  for (const node of nodes) if (node.parent) graph.setParent(node.id, node.parent);
  edges.forEach((edge, i) => graph.setEdge(edge.from, edge.to, {
    width: edge.labelWidth, height: edge.labelHeight, labelpos: "c",
  }, String(i)));
  dagre.layout(graph);

  // A tenth is finer than anybody sees, and keeps the drawing small.
  const round = (n) => Math.round(n * 10) / 10;
  const point = (p) => ({ x: round(p.x), y: round(p.y) });
  const placed = { width: round(graph.graph().width), height: round(graph.graph().height), nodes: {}, lines: [] };
  for (const id of graph.nodes()) {
    const node = graph.node(id);
    placed.nodes[id] = { ...point(node), width: round(node.width), height: round(node.height) };
  }
  edges.forEach((edge, i) => {
    const line = graph.edge({ v: edge.from, w: edge.to, name: String(i) });
    placed.lines.push({ points: line.points.map(point), label: line.x === undefined ? point(line.points[0]) : point(line) });
  });
  return JSON.stringify(placed);
})
