package location

import "fmt"

// Metadata keys in which an instance registers its SET, as the SDKs and TARS-like
// deployments write them.
const (
	MetaSetName   = "internal-set-name"
	MetaSetEnable = "internal-enable-set"
	MetaSetGroup  = "set-group"
)

var registeredOrigin = &Origin{Source: "registered"}

// IgnoredSET is a name of a SET that an instance registered and that does not count.
type IgnoredSET struct {
	Name string
	Why  string // a sentence that quotes the name
}

// Registered returns the facts that an instance registered: its location and its SET
// (docs/design.md, 4). The name in internal-set-name counts, unless
// internal-enable-set is there and neither Y nor y. Else the name in set-group counts.
// Registered also returns the names that it passed over. Their order is the order of
// the keys.
func Registered(loc Location, metadata map[string]string) (f Facts, ignored []IgnoredSET) {
	f.Location = loc
	f.RegionFrom, f.ZoneFrom, f.CampusFrom = registeredOrigin, registeredOrigin, registeredOrigin
	for _, key := range [...]string{MetaSetName, MetaSetGroup} {
		name := metadata[key]
		if name == "" {
			continue
		}
		set, err := registeredSET(key, metadata)
		if err == nil {
			f.SET, f.SETFrom = set, registeredOrigin
			break
		}
		ignored = append(ignored, IgnoredSET{name, err.Error()})
	}
	return f, ignored
}

// registeredSET returns the SET under a key. Its error says why the name there does not
// count.
func registeredSET(key string, metadata map[string]string) (SET, error) {
	if value, ok := metadata[MetaSetEnable]; ok && key == MetaSetName && value != "Y" && value != "y" {
		return "", fmt.Errorf("SET name %q is switched off by %s %q", metadata[key], MetaSetEnable, value)
	}
	return ParseSET(metadata[key])
}
