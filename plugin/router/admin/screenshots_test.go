package admin

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "make the pictures in docs/images anew")

// pictures are the pictures of the page in the docs, and which pages show them.
var pictures = []struct {
	name, query string
	height      int
	backend     func(pageBackend) backend
	script      string // what an operator did before
	pages       []string
}{
	{"page-calm.png", "?lang=en", 620, func(b pageBackend) backend { return demoBackend{b, false} }, "", []string{"docs/operations.md"}},
	{"page-dark-city.png", "?lang=en", 900, func(b pageBackend) backend { return demoBackend{b, true} }, "", []string{"README.md", "docs/operations.md"}},
	{"page-dark-city-zh.png", "?lang=zh", 900, func(b pageBackend) backend { return demoBackend{b, true} }, "", []string{"README-zh.md"}},
	{"page-what-if.png", "?lang=en", 760, func(b pageBackend) backend { return demoBackend{b, false} }, `
		until(() => document.querySelector(".matrix .cell")).then(async () => {
			document.getElementById("suppose-place").value = "华南/ap-guangzhou";
			document.querySelector("#suppose button").click();
			await until(() => document.querySelector("#whatif-matrix .cell"));
			document.body.replaceChildren(document.getElementById("whatif-result").closest("section"));
		});`, []string{"docs/operations.md"}},
}

// The docs show the page as it is. With -update the test makes the pictures anew.
func TestPictures(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	for _, p := range pictures {
		path := filepath.Join(root, "docs", "images", p.name)
		if *update {
			script := `document.getElementById("node").hidden = true;` + p.script
			picture := newBrowser(t).picture(serve(t, withScript(newHandler(p.backend(pageBackend{t: t}), ""), script))+p.query, 1280, p.height)
			if err := os.WriteFile(path, small(t, picture), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		config, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil || config.Width != 1280 || config.Height != p.height || len(data) > 100<<10 {
			t.Errorf("%s: %v, %d x %d, %d bytes, want 1280 x %d and at most 100 KiB", p.name, err, config.Width, config.Height, len(data), p.height)
		}
		for _, page := range p.pages {
			text, err := os.ReadFile(filepath.Join(root, page))
			if err != nil || !strings.Contains(string(text), "images/"+p.name+")") {
				t.Errorf("%s does not show %s", page, p.name)
			}
		}
	}
}

// picture returns a picture of a page, as PNG.
func (b browser) picture(url string, width, height int) []byte {
	file := filepath.Join(b.t.TempDir(), "page.png")
	args := append(b.args(4), "--hide-scrollbars", fmt.Sprintf("--window-size=%d,%d", width, height), "--screenshot="+file, url)
	if _, stderr, err := b.run(context.Background(), args); err != nil {
		b.t.Fatalf("chromium: %v\n%s", err, stderr)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		b.t.Fatal(err)
	}
	return data
}

// small returns a picture with the 256 colours that it has most of, each other colour as
// the nearest of these.
func small(t *testing.T, data []byte) []byte {
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	counts, bounds := map[color.RGBA]int{}, picture.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA) }
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			counts[at(x, y)]++
		}
	}
	colours := make([]color.RGBA, 0, len(counts))
	for c := range counts {
		colours = append(colours, c)
	}
	slices.SortFunc(colours, func(a, b color.RGBA) int { return counts[b] - counts[a] })
	palette := color.Palette{}
	for _, c := range colours[:min(256, len(colours))] {
		palette = append(palette, c)
	}
	out := image.NewPaletted(bounds, palette)
	index := map[color.RGBA]uint8{}
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			c := at(x, y)
			if _, ok := index[c]; !ok {
				index[c] = uint8(palette.Index(c))
			}
			out.SetColorIndex(x, y, index[c])
		}
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
