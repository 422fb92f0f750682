package layout_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/layout"
)

func graph() layout.Graph {
	g := layout.Graph{Direction: layout.Right, NodeGap: 20, LayerGap: 40, Nodes: []layout.Node{{ID: "box"}}}
	for i := range 6 {
		node := layout.Node{ID: fmt.Sprint(i), Width: 100, Height: 40}
		if i == 2 || i == 3 {
			node.Parent = "box"
		}
		g.Nodes = append(g.Nodes, node)
	}
	for _, pair := range [][2]string{{"0", "1"}, {"1", "2"}, {"1", "3"}, {"2", "4"}, {"3", "4"}, {"4", "5"}} {
		g.Edges = append(g.Edges, layout.Edge{From: pair[0], To: pair[1], LabelWidth: 30, LabelHeight: 12})
	}
	return g
}

func TestPlace(t *testing.T) {
	engine, err := layout.New()
	require.NoError(t, err)
	placed, err := engine.Place(graph())
	require.NoError(t, err)

	require.Len(t, placed.Lines, 6)
	for _, line := range placed.Lines {
		assert.GreaterOrEqual(t, len(line.Points), 2)
	}
	assert.Less(t, placed.Nodes["0"].X, placed.Nodes["1"].X, "edges lead to the right")
	assert.Equal(t, placed.Nodes["2"].X, placed.Nodes["3"].X, "neighbours share a layer")
	inside := func(id string) {
		node, box := placed.Nodes[id], placed.Nodes["box"]
		assert.LessOrEqual(t, box.X-box.Width/2, node.X-node.Width/2)
		assert.GreaterOrEqual(t, box.Y+box.Height/2, node.Y+node.Height/2)
	}
	inside("2")
	inside("3")

	down := graph()
	down.Direction = layout.Down
	other, err := engine.Place(down)
	require.NoError(t, err)
	assert.Less(t, other.Nodes["0"].Y, other.Nodes["1"].Y, "edges lead down")
	assert.Greater(t, other.Height, placed.Height)

	again, err := engine.Place(graph())
	require.NoError(t, err)
	assert.Equal(t, placed, again, "the same graph has the same places")
}

func TestPlaceNothing(t *testing.T) {
	engine, err := layout.New()
	require.NoError(t, err)
	_, err = engine.Place(layout.Graph{Direction: layout.Right})
	assert.NoError(t, err)
	_, err = engine.Place(layout.Graph{Edges: []layout.Edge{{From: "a", To: "b"}}})
	assert.ErrorContains(t, err, "layout")
}

func BenchmarkPlace(b *testing.B) {
	engine, err := layout.New()
	require.NoError(b, err)
	for b.Loop() {
		_, err := engine.Place(graph())
		require.NoError(b, err)
	}
}
