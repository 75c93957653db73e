package oracle

// Place is region, zone and campus; an empty text is unknown.
type Place [3]string

// depth returns how many levels of the place are known, from the widest.
func (p Place) depth() int {
	known := 0
	for known < 3 && p[known] != "" {
		known++
	}
	return known
}

// Instance is an instance of the callee, with its identity.
type Instance struct {
	ID      string
	Host    string
	Port    uint32
	Place   Place
	SET     string
	Healthy bool
	Isolate bool
	Weight  uint32
	// Evacuated is set when an evacuation in force takes the instance out.
	Evacuated bool
}

// InService reports whether the instance is in service (docs/design.md, 2).
func (i Instance) InService() bool { return !i.Isolate && i.Weight > 0 }

// Usable reports whether the instance is usable (docs/design.md, 2).
func (i Instance) Usable() bool { return i.InService() && i.Healthy }

func isPresent(i Instance) bool    { return !i.Evacuated }
func isRegistered(i Instance) bool { return true }

// indexes returns the indexes of the instances that have a property.
func indexes(all []Instance, has func(Instance) bool) []int {
	var out []int
	for n, i := range all {
		if has(i) {
			out = append(out, n)
		}
	}
	return out
}

// count returns how many of the listed instances have a property.
func count(list []int, all []Instance, has func(Instance) bool) (n int) {
	for _, i := range list {
		if has(all[i]) {
			n++
		}
	}
	return n
}
