package livefile

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/polaris-contrib/setrouter/internal/strict"
)

// warnings returns what is likely a mistake about the files that the globs name, or do not
// name: files beside them that nobody reads, and files that can never change.
func (d *disk) warnings() []strict.Problem {
	return slices.Concat(d.strays(), d.stuck())
}

// strays returns a warning for each file that is named by no glob of this kind or another,
// and lies in a directory of which a glob names files.
func (d *disk) strays() (list []strict.Problem) {
	named, _ := find(slices.Concat(d.globs, d.others))
	seen := map[string]bool{}
	for _, glob := range d.globs {
		if !strings.ContainsAny(filepath.Base(glob), "*?[") {
			continue // a directory of single files can have others
		}
		beside, _ := find([]string{filepath.Join(filepath.Dir(glob), "*")})
		for _, name := range beside {
			if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || seen[name] || slices.ContainsFunc(named, func(n string) bool { return filepath.Clean(n) == filepath.Clean(name) }) || !isMappingOrRouting(name) {
				continue
			}
			seen[name] = true
			list = append(list, strict.Warning(name, 0, 0, "is read by nobody: it lies beside the files of %q, and no name in the configuration fits it", glob))
		}
	}
	return list
}

// Keys by which a file is told, as setctl check does.
var (
	csvHeader   = regexp.MustCompile(`(?m)^[^#\n]*\bmatch\b`)
	ourKeys     = regexp.MustCompile(`(?m)^(mappings|topology|default|rules|addresses|aliases|evacuate|places|defaults):`)
	foreignKeys = regexp.MustCompile(`(?m)^(bootstrap|apiservers|tests|instances|apiVersion):`)
)

// isMappingOrRouting reports whether a file can be meant for the server, by its ending and
// its beginning. Other configurations can lie beside.
func isMappingOrRouting(name string) bool {
	ending := strings.ToLower(filepath.Ext(name))
	if !slices.Contains([]string{".yaml", ".yml", ".csv"}, ending) {
		return false
	}
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	beginning, err := io.ReadAll(io.LimitReader(file, 64<<10))
	if err != nil {
		return false
	}
	if ending == ".csv" {
		return csvHeader.Match(beginning)
	}
	return ourKeys.Match(beginning) && !foreignKeys.Match(beginning)
}

// stuck returns a warning for each file to which no name leads any more. The server has
// it by a mount of the file itself.
func (d *disk) stuck() (list []strict.Problem) {
	names, _ := find(d.globs)
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if links, ok := linksOf(info); ok && links == 0 {
			list = append(list, strict.Warning(name, 0, 0,
				"can never change: no link leads to this file any more. It is a bind mount or subPath of a single file whose name was replaced; mount its directory, and start the server anew"))
		}
	}
	return list
}

// lookForMistakes takes the warnings about the files on disk into the status, and tells of
// those that are new.
func (l *Live[T]) lookForMistakes() {
	found := l.disk.warnings()
	for _, w := range found {
		if l.options.OnWarning != nil && !slices.Contains(l.status.Warnings, w) {
			l.options.OnWarning(w)
		}
	}
	if !slices.Equal(found, l.status.Warnings) {
		l.status.Warnings = found
		l.show()
	}
}
