// Package layout places the nodes and edges of a drawing, layer by layer, so that
// few edges cross. It runs dagre, a layout library in JavaScript that is embedded
// here, in a JavaScript engine that is written in Go: no other program is needed,
// and the same graph is placed the same way on every machine.
package layout

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/dop251/goja"
)

//go:generate sh -c "npm pack --silent @dagrejs/dagre@3.1.3 && tar -xzf dagrejs-dagre-3.1.3.tgz --strip-components=2 package/dist/dagre.min.js && tar -xzOf dagrejs-dagre-3.1.3.tgz package/LICENSE > LICENSE.dagre && rm dagrejs-dagre-3.1.3.tgz"

//go:embed dagre.min.js
var dagre string

//go:embed place.js
var place string

// Direction is where the edges of a graph lead.
type Direction string

// The directions that are used.
const (
	Right Direction = "LR"
	Down  Direction = "TB"
)

// Graph is what has to be placed. Sizes and distances are in one unit of the
// caller's choice.
type Graph struct {
	Direction Direction `json:"direction"`
	// NodeGap is the distance between neighbours of a layer, LayerGap that
	// between layers.
	NodeGap  float64 `json:"nodeGap"`
	LayerGap float64 `json:"layerGap"`
	Nodes    []Node  `json:"nodes"`
	Edges    []Edge  `json:"edges"`
}

// Node is a box of a size, or one around other nodes, whose size follows.
type Node struct {
	ID     string  `json:"id"`
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
	// Parent is the ID of the node that it stands in; empty is none.
	Parent string `json:"parent"`
}

// Edge leads from one node to another, neither of which has others in it.
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
	// LabelWidth and LabelHeight are the room for its label; 0 is none.
	LabelWidth  float64 `json:"labelWidth"`
	LabelHeight float64 `json:"labelHeight"`
}

// Point is a place; y grows downwards.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Box is where a node came to stand: its middle, and its size.
type Box struct {
	Point
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
}

// Line is the way of an edge.
type Line struct {
	// Points from the border of the one node to that of the other.
	Points []Point `json:"points"`
	// Label is the middle of its label.
	Label Point `json:"label"`
}

// Placed is a graph whose parts have places.
type Placed struct {
	Width  float64        `json:"width"`
	Height float64        `json:"height"`
	Nodes  map[string]Box `json:"nodes"`
	// Lines are the ways of the edges, in their order.
	Lines []Line `json:"lines"`
}

// program is the compiled JavaScript. Nobody pays for it who places nothing.
var program = sync.OnceValue(func() *goja.Program {
	return goja.MustCompile("layout.js", dagre+"\n"+place, false)
})

// Engine places graphs, one after the other.
type Engine struct {
	place func(goja.FunctionCall) goja.Value
	vm    *goja.Runtime
}

// New starts an engine, which takes some hundredths of a second.
func New() (*Engine, error) {
	vm := goja.New()
	value, err := vm.RunProgram(program())
	if err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	var call func(goja.FunctionCall) goja.Value
	if err := vm.ExportTo(value, &call); err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	return &Engine{call, vm}, nil
}

// Place finds the places of all parts of a graph.
func (e *Engine) Place(g Graph) (placed Placed, err error) {
	text, err := json.Marshal(g)
	if err != nil {
		return Placed{}, err
	}
	defer func() {
		if thrown := recover(); thrown != nil {
			err = fmt.Errorf("layout: %v", thrown)
		}
	}()
	result := e.place(goja.FunctionCall{Arguments: []goja.Value{e.vm.ToValue(string(text))}})
	if err := json.Unmarshal([]byte(result.String()), &placed); err != nil {
		return Placed{}, fmt.Errorf("layout: %w", err)
	}
	return placed, nil
}
