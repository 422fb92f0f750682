package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tinystack-go/tinystack/internal/layout"
)

// Picture is a graph that is drawn: the pipeline, or the topology of a stage.
type Picture struct {
	// Title says what is seen.
	Title string `json:"title"`
	Nodes []Node `json:"nodes"`
	Edges []Edge `json:"edges"`
}

// Node is a box of a picture.
type Node struct {
	// ID is unique in the picture.
	ID string `json:"id"`
	// Kind is what it is, as in "database".
	Kind string `json:"kind"`
	// Name of it; Details are lines about it.
	Name    string   `json:"name"`
	Details []string `json:"details,omitempty"`
	// In is the ID of the node that it stands in.
	In string `json:"in,omitempty"`

	// link is the section that a click leads to, and style what colours it.
	link, style string
}

// Edge is an arrow of a picture.
type Edge struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Label string `json:"label,omitempty"`
}

// Sizes of what is drawn, in pixels.
const (
	nameSize   = 14.0
	detailSize = 12.0
	lineHeight = 17.0
	inset      = 12.0 // from the border of a node to its text
	widest     = 210.0
)

// draw is the picture as SVG, with edges in the direction. Colours come from
// the style sheet of whatever it stands in; attributes are for none.
func (p Picture) draw(engine *layout.Engine, direction layout.Direction) (template.HTML, error) {
	graph := layout.Graph{Direction: direction, NodeGap: 18, LayerGap: 34}
	parents := map[string]bool{}
	for _, node := range p.Nodes {
		parents[node.In] = true
	}
	for _, node := range p.Nodes {
		width, height := node.size()
		graph.Nodes = append(graph.Nodes, layout.Node{ID: node.ID, Width: width, Height: height, Parent: node.In})
	}
	for _, edge := range p.Edges {
		placed := layout.Edge{From: edge.From, To: edge.To}
		if edge.Label != "" {
			placed.LabelWidth, placed.LabelHeight = textWidth(shorten(edge.Label, detailSize, widest), detailSize)+10, lineHeight
		}
		graph.Edges = append(graph.Edges, placed)
	}
	placed, err := engine.Place(graph)
	if err != nil {
		return "", err
	}

	role := "img" // to those who hear the page it is one thing, unless there are links in it
	if slices.ContainsFunc(p.Nodes, func(n Node) bool { return n.link != "" }) {
		role = "group"
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="picture %s" viewBox="0 0 %s %s" width="%[2]s" height="%[3]s" role="%[5]s" aria-label="%[4]s">`,
		map[layout.Direction]string{layout.Right: "wide", layout.Down: "tall"}[direction],
		number(placed.Width), number(placed.Height), html.EscapeString(p.Title), role)
	for _, node := range p.Nodes { // what others stand in lies below them
		if parents[node.ID] {
			node.drawBox(&out, placed.Nodes[node.ID])
		}
	}
	for i, edge := range p.Edges {
		edge.drawLine(&out, placed.Lines[i], placed.Nodes[edge.From], placed.Nodes[edge.To], direction)
	}
	for _, node := range p.Nodes {
		if !parents[node.ID] {
			node.draw(&out, placed.Nodes[node.ID])
		}
	}
	for i, edge := range p.Edges {
		edge.drawLabel(&out, placed.Lines[i])
	}
	out.WriteString("</svg>")
	return template.HTML(out.String()), nil //nolint:gosec // every text in it went through html.EscapeString
}

// size is the room that a node takes.
func (n Node) size() (width, height float64) {
	width = textWidth(shorten(n.Kind, detailSize, widest), detailSize)
	width = max(width, textWidth(shorten(n.Name, nameSize, widest), nameSize)*1.1) // it is bold
	for _, line := range n.Details {
		width = max(width, textWidth(shorten(line, detailSize, widest), detailSize))
	}
	lines := len(n.Details)
	if n.Kind != "" {
		lines++
	}
	if n.Name != "" {
		lines++
	}
	return max(56, width+2*inset), float64(lines)*lineHeight + 2*inset - 4
}

func (n Node) draw(out *strings.Builder, box layout.Box) {
	left, top := box.X-box.Width/2, box.Y-box.Height/2
	if n.link != "" {
		fmt.Fprintf(out, `<a href="%s">`, html.EscapeString(n.link))
	}
	fmt.Fprintf(out, `<g class="node %s"><title>%s</title>`, n.style, html.EscapeString(strings.TrimSpace(strings.Join(append([]string{n.Kind, n.Name}, n.Details...), " "))))
	fmt.Fprintf(out, `<rect x="%s" y="%s" width="%s" height="%s" rx="8"/>`, number(left), number(top), number(box.Width), number(box.Height))
	y := top + inset + 10
	write := func(class, text string, size float64) {
		if text != "" {
			fmt.Fprintf(out, `<text class="%s" x="%s" y="%s">%s</text>`, class, number(left+inset), number(y), html.EscapeString(shorten(text, size, widest)))
			y += lineHeight
		}
	}
	write("kind", n.Kind, detailSize)
	write("name", n.Name, nameSize)
	for _, line := range n.Details {
		write("detail", line, detailSize)
	}
	out.WriteString("</g>")
	if n.link != "" {
		out.WriteString("</a>")
	}
}

// drawBox draws a node that others stand in: its text runs along the top.
func (n Node) drawBox(out *strings.Builder, box layout.Box) {
	left, top := box.X-box.Width/2, box.Y-box.Height/2
	fmt.Fprintf(out, `<g class="box %s"><rect x="%s" y="%s" width="%s" height="%s" rx="12"/>`, n.style, number(left), number(top), number(box.Width), number(box.Height))
	text := shorten(n.Name, detailSize, box.Width-2*inset)
	fmt.Fprintf(out, `<text class="kind" x="%s" y="%s">%s</text></g>`, number(left+inset), number(top+17), html.EscapeString(text))
}

// drawLine draws an edge from the side of the one node to the opposite side of the
// other, so that it crosses no neighbour of theirs; between them it follows the
// bends that keep clear of everything else.
func (e Edge) drawLine(out *strings.Builder, line layout.Line, from, to layout.Box, direction layout.Direction) {
	points := slices.Clone(line.Points)
	if len(points) < 2 {
		return
	}
	last := len(points) - 1
	var path strings.Builder
	if direction == layout.Right {
		side := math.Copysign(0.5, to.X-from.X)
		points[0] = layout.Point{X: from.X + side*from.Width, Y: points[0].Y}
		points[last] = layout.Point{X: to.X - side*to.Width, Y: to.Y}
	} else {
		side := math.Copysign(0.5, to.Y-from.Y)
		points[0] = layout.Point{X: points[0].X, Y: from.Y + side*from.Height}
		points[last] = layout.Point{X: to.X, Y: to.Y - side*to.Height}
	}
	points[0].X = min(max(points[0].X, from.X-from.Width/2), from.X+from.Width/2)
	points[0].Y = min(max(points[0].Y, from.Y-from.Height/2), from.Y+from.Height/2)
	fmt.Fprintf(&path, "M%s %s", number(points[0].X), number(points[0].Y))
	before := points[0] // where the last piece bends, for the arrow
	for i := 1; i <= last; i++ {
		a, b := points[i-1], points[i]
		first, second := layout.Point{X: (a.X + b.X) / 2, Y: a.Y}, layout.Point{X: (a.X + b.X) / 2, Y: b.Y}
		if direction == layout.Down {
			first, second = layout.Point{X: a.X, Y: (a.Y + b.Y) / 2}, layout.Point{X: b.X, Y: (a.Y + b.Y) / 2}
		}
		fmt.Fprintf(&path, "C%s %s %s %s %s %s", number(first.X), number(first.Y), number(second.X), number(second.Y), number(b.X), number(b.Y))
		before = second
	}
	fmt.Fprintf(out, `<path class="edge" d="%s"/>`, path.String())
	out.WriteString(arrow(before, points[last]))
}

// arrow is the head of an arrow that ends at a point. It is a shape, as a
// marker would need an ID that is unique in the page.
func arrow(from, to layout.Point) string {
	dx, dy := to.X-from.X, to.Y-from.Y
	length := max(0.001, dx*dx+dy*dy)
	scale := 7 / math.Sqrt(length)
	dx, dy = dx*scale, dy*scale
	return fmt.Sprintf(`<path class="head" d="M%s %sL%s %sL%s %sz"/>`, number(to.X), number(to.Y),
		number(to.X-dx-dy*0.55), number(to.Y-dy+dx*0.55), number(to.X-dx+dy*0.55), number(to.Y-dy-dx*0.55))
}

func (e Edge) drawLabel(out *strings.Builder, line layout.Line) {
	if e.Label == "" {
		return
	}
	text := shorten(e.Label, detailSize, widest)
	width := textWidth(text, detailSize) + 8
	fmt.Fprintf(out, `<g class="label"><rect x="%s" y="%s" width="%s" height="16" rx="3"/><text x="%s" y="%s">%s</text></g>`,
		number(line.Label.X-width/2), number(line.Label.Y-8), number(width), number(line.Label.X), number(line.Label.Y+4), html.EscapeString(text))
}

func number(n float64) string { return strconv.FormatFloat(float64(int64(n*10+0.5))/10, 'f', -1, 64) }
