package e2e_test

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"slices"
)

// shrink makes a PNG file small enough for a repository: it keeps the 256 colours
// that there are most of, and compresses with more patience than the browser has.
func shrink(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, withColours(picture, 256)); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o644)
}

// withColours is the picture with no more than max colours, none of them made up.
func withColours(picture image.Image, max int) image.Image {
	counts := map[color.Color]int{}
	eachPixel(picture, func(x, y int) { counts[picture.At(x, y)]++ })
	often := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int { return cmp.Compare(counts[b], counts[a]) })
	few := image.NewPaletted(picture.Bounds(), often[:min(max, len(often))])
	nearest := map[color.Color]uint8{} // Palette.Index is slow
	for c := range counts {
		nearest[c] = uint8(few.Palette.Index(c))
	}
	eachPixel(picture, func(x, y int) { few.SetColorIndex(x, y, nearest[picture.At(x, y)]) })
	return few
}

func eachPixel(picture image.Image, f func(x, y int)) {
	b := picture.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			f(x, y)
		}
	}
}
