package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/polaris-contrib/setrouter/internal/table"
)

// writeResults writes one row for each way to degrade.
func writeResults(w io.Writer, rows []result) {
	t := table.New(w)
	fmt.Fprintln(t, "  degrade\tpeak load\tsteepest rise\tcaller-minutes above 1.5\twith nothing\tmoves between cities\tlists sent\tinstances fallen")
	for _, r := range rows {
		fmt.Fprintf(t, "  %s\t%.1f\t%.1f\t%.0f\t%d\t%.0f\t%d\t%d\n", r.way, r.peak, r.rise, r.above, r.nothing, r.moved, r.changes, r.fallen)
	}
	t.Flush()
}

// series is a line of a plot: a value for each step.
type series struct {
	name   string
	values []float64
}

// Measures of the plot, in pixels.
const (
	plotWidth, plotHeight = 900, 360
	plotLeft, plotTop     = 60, 40
	plotRight, plotBottom = 700, 320
)

// colours of the lines, which people can tell apart who do not see all colours.
var colours = []string{"#000000", "#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#0072b2", "#d55e00"}

// plot returns the series as SVG: the highest load of an instance over time.
func plot(title string, lines []series) []byte {
	top, steps := 1.0, 0
	for _, l := range lines {
		for _, v := range l.values {
			top = max(top, v)
		}
		steps = max(steps, len(l.values))
	}
	x := func(n int) float64 { return plotLeft + float64(n)*(plotRight-plotLeft)/float64(max(steps-1, 1)) }
	y := func(v float64) float64 { return plotBottom - v*(plotBottom-plotTop)/top }
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/><text x="%d" y="22" font-size="14">%s: the highest load of an instance, 1 is when everything works</text>`+"\n", plotLeft, title)
	for v := 0.0; v <= top; v += max(1, float64(int(top/8))) {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n", plotLeft, y(v), plotRight, plotLeft-6, y(v)+4, v)
	}
	for n := 0; n <= steps; n += 100 {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%d s</text>`+"\n", x(n), plotBottom+18, n)
	}
	for i, l := range lines {
		colour := colours[i%len(colours)]
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="1.6" points="`, colour)
		for n, v := range l.values {
			if n == 0 || n == len(l.values)-1 || v != l.values[n-1] || v != l.values[n+1] {
				fmt.Fprintf(&b, "%.1f,%.1f ", x(n), y(v))
			}
		}
		fmt.Fprintf(&b, `"/><path d="M%d %dh20" stroke="%s" stroke-width="3"/><text x="%d" y="%d">%s</text>`+"\n", plotRight+12, plotTop+i*20, colour, plotRight+38, plotTop+i*20+4, l.name)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}
