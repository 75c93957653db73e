package route

// Name is what the server has under a name that a client asks for.
type Name struct {
	Service      // as asked, with the namespace filled in
	Exists  bool // it is a service, or an alias, of its own
	// Read are the services that the name stands for, where they have other
	// names: the service of an alias, or services that other namespaces export.
	// An alias is no way around a rule.
	Read []Service
	// Metadata are those of the service that is read. They are shared: read only.
	Metadata map[string]string
}

// Resolved is a name together with the lane address that it is, if any.
type Resolved struct {
	Name
	Address *Rule // nil: the name is no lane address
}

// Resolve finds the lane address of a name: the name itself is one, or a service that
// the name stands for is one.
func (r *Rules) Resolve(n Name) Resolved {
	if r == nil {
		return Resolved{Name: n}
	}
	address := r.addresses[n.Service]
	for _, s := range n.Read {
		if address == nil {
			address = r.addresses[s]
		}
	}
	return Resolved{n, address}
}

// IsAddress reports whether a name itself is a lane address.
func (r *Rules) IsAddress(name Service) bool {
	return r != nil && r.addresses[name] != nil
}

// Source returns the service to read: the target of the lane address, or the
// name itself.
func (r Resolved) Source() Service {
	if r.Address != nil {
		return r.Address.Target
	}
	return r.Service
}

// HasOwnService reports whether the name is a lane address and a service of its
// own as well.
func (r Resolved) HasOwnService() bool { return r.Address != nil && r.Exists }

// WithTarget returns the reason for an answer once it is known whether the service
// to read exists. A lane address with a service of its own keeps the stock answer of
// that service where its target does not exist: a working service must not go with
// the target of a lane address.
func (r Resolved) WithTarget(why Why, exists bool) Why {
	if !exists && r.HasOwnService() {
		return WhyNoTarget
	}
	return why
}
