package route

// Name is what the server has under a name that a client asks for.
type Name struct {
	Service           // as asked, with the namespace filled in
	Exists  bool      // it is a service, or an alias, of its own
	Read    []Service // the services that it stands for where they have other names: the target of an alias, or services that other namespaces export
}

// Resolved is a name together with the lane address that it is, if any.
type Resolved struct {
	Name
	Address *Rule // nil: the name is no lane address
}

// Resolve finds the lane address that a name is.
func (r *Rules) Resolve(n Name) Resolved {
	address, _ := r.Address(n.Service, n.Read)
	return Resolved{n, address}
}

// Source returns the service to read: the target of the lane address, or the
// name itself.
func (r Resolved) Source() Service {
	if r.Address != nil {
		return r.Address.Target
	}
	return r.Service
}
