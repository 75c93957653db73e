package polaristest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
)

// Console speaks to a server's HTTP API as its operator and its instances do.
type Console struct {
	addr  string
	token string
	user  string // its id
}

// Instance is an instance in the JSON of the HTTP API.
type Instance struct {
	ID        string            `json:"id,omitempty"`
	Service   string            `json:"service,omitempty"`
	Namespace string            `json:"namespace,omitempty"`
	Host      string            `json:"host"`
	Port      int               `json:"port"`
	Weight    uint32            `json:"weight"`
	Priority  uint32            `json:"priority,omitempty"`
	Healthy   bool              `json:"healthy"`
	Isolate   bool              `json:"isolate"`
	Location  *Location         `json:"location,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`

	EnableHealthCheck bool         `json:"enable_health_check,omitempty"`
	HealthCheck       *HealthCheck `json:"health_check,omitempty"`
}

// HealthCheck is how an instance's health is known: by heartbeats.
type HealthCheck struct {
	Type      int       `json:"type"` // 1
	Heartbeat Heartbeat `json:"heartbeat"`
}

// Heartbeat is an instance's promise to send one each TTL seconds.
type Heartbeat struct {
	TTL int `json:"ttl"`
}

// ByHeartbeat returns the instance with its health by heartbeats, one each ttl
// seconds.
func (i Instance) ByHeartbeat(ttl int) Instance {
	i.EnableHealthCheck, i.HealthCheck = true, &HealthCheck{Type: 1, Heartbeat: Heartbeat{TTL: ttl}}
	return i
}

// Location is an instance's location in the JSON of the HTTP API.
type Location struct {
	Region string `json:"region"`
	Zone   string `json:"zone"`
	Campus string `json:"campus"`
}

// Login logs in as the user that a fresh store has.
func Login(ctx context.Context, s *Server) (*Console, error) {
	c := &Console{addr: s.HTTPAddr}
	var reply struct {
		LoginResponse struct {
			Token string `json:"token"`
			User  string `json:"user_id"`
		} `json:"loginResponse"`
	}
	err := c.call(ctx, http.MethodPost, "/core/v1/user/login", map[string]string{"owner": "polaris", "name": "polaris", "password": "polaris"}, &reply)
	c.token, c.user = reply.LoginResponse.Token, reply.LoginResponse.User
	return c, err
}

// Token returns what the console sends as x-polaris-token.
func (c *Console) Token() string { return c.token }

// Register registers instances, as console users do. A request has the instances of
// one service only: when a request makes several services, the stock server writes
// to a map from several goroutines, and can end by that (v1.18.1, AcquireContext).
func (c *Console) Register(ctx context.Context, instances ...Instance) error {
	for len(instances) > 0 {
		n := 1
		for n < min(len(instances), 100) && instances[n].Service == instances[0].Service { // the server takes no more at once
			n++
		}
		if err := c.call(ctx, http.MethodPost, "/naming/v1/instances", instances[:n], nil); err != nil {
			return err
		}
		instances = instances[n:]
	}
	return nil
}

// Deregister removes instances, as instances do themselves when they end.
func (c *Console) Deregister(ctx context.Context, instances ...Instance) error {
	return c.call(ctx, http.MethodPost, "/naming/v1/instances/delete", instances, nil)
}

// Update replaces what instances registered, their health included.
func (c *Console) Update(ctx context.Context, instances ...Instance) error {
	return c.call(ctx, http.MethodPut, "/naming/v1/instances", instances, nil)
}

// Beat sends an instance's heartbeat.
func (c *Console) Beat(ctx context.Context, i Instance) error {
	body := map[string]any{"namespace": i.Namespace, "service": i.Service, "host": i.Host, "port": i.Port}
	return c.call(ctx, http.MethodPost, "/v1/Heartbeat", body, nil)
}

// Isolate takes all instances of a service at a host out, or back in.
func (c *Console) Isolate(ctx context.Context, namespace, service, host string, isolate bool) error {
	body := []map[string]any{{"namespace": namespace, "service": service, "host": host, "isolate": isolate}}
	return c.call(ctx, http.MethodPut, "/naming/v1/instances/isolate/host", body, nil)
}

// Alias makes a Polaris alias of a service, in the same namespace.
func (c *Console) Alias(ctx context.Context, namespace, alias, target string) error {
	return c.AliasIn(ctx, namespace, alias, namespace, target)
}

// AliasIn makes a Polaris alias of a service of another namespace.
func (c *Console) AliasIn(ctx context.Context, aliasNamespace, alias, namespace, target string) error {
	body := map[string]string{"alias": alias, "alias_namespace": aliasNamespace, "service": target, "namespace": namespace}
	return c.call(ctx, http.MethodPost, "/naming/v1/service/alias", body, nil)
}

// Export makes a service visible in other namespaces; "*" is all of them.
func (c *Console) Export(ctx context.Context, namespace, service string, to ...string) error {
	body := []map[string]any{{"namespace": namespace, "name": service, "export_to": to}}
	return c.call(ctx, http.MethodPut, "/naming/v1/services", body, nil)
}

// SetMetadata sets the metadata of a service, as the console's switches do.
func (c *Console) SetMetadata(ctx context.Context, namespace, service string, metadata map[string]string) error {
	body := []map[string]any{{"namespace": namespace, "name": service, "metadata": metadata}}
	return c.call(ctx, http.MethodPut, "/naming/v1/services", body, nil)
}

// Fetch returns what the console shows at a path.
func (c *Console) Fetch(ctx context.Context, path string) (reply json.RawMessage, err error) {
	return reply, c.call(ctx, http.MethodGet, path, nil, &reply)
}

// Create posts what the API has no method for here, as a list of one.
func (c *Console) Create(ctx context.Context, path string, body map[string]any) error {
	return c.call(ctx, http.MethodPost, path, []map[string]any{body}, nil)
}

func (c *Console) call(ctx context.Context, method, path string, body, reply any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.addr+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Polaris-Token", c.token)
	req.Close = true // a connection that the server has just closed would fail the call
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, answer)
	}
	if reply == nil {
		return nil
	}
	return json.Unmarshal(answer, reply)
}

// Discovered is the answer to a discovery request for instances.
type Discovered struct {
	Code    int    `json:"code"`
	Info    string `json:"info"`
	Service struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
		Revision  string `json:"revision"`
	} `json:"service"`
	Instances []Instance `json:"instances"`
}

// Request is a discovery request over HTTP.
type Request struct {
	Path        string // default /v1/Discover
	Source      netip.Addr
	Header      http.Header
	Namespace   string
	Service     string
	Revision    string
	OnlyHealthy bool
}

// Discover asks over HTTP, from a source address.
func Discover(ctx context.Context, addr string, r Request) (Discovered, error) {
	if r.Path == "" {
		r.Path = "/v1/Discover"
	}
	body, err := json.Marshal(map[string]any{
		"type":    1,
		"service": map[string]string{"namespace": r.Namespace, "name": r.Service, "revision": r.Revision},
		"Filter":  map[string]bool{"OnlyHealthyInstance": r.OnlyHealthy},
	})
	if err != nil {
		return Discovered{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+r.Path, bytes.NewReader(body))
	if err != nil {
		return Discovered{}, err
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DialContext: dialer(r.Source).DialContext, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return Discovered{}, err
	}
	defer resp.Body.Close()
	var d Discovered
	if err := json.NewDecoder(resp.Body).Decode(&d); err != nil {
		return Discovered{}, fmt.Errorf("%s: %w", resp.Status, err)
	}
	return d, nil
}

func dialer(source netip.Addr) *net.Dialer {
	d := &net.Dialer{}
	if source.IsValid() {
		d.LocalAddr = &net.TCPAddr{IP: source.AsSlice()}
	}
	return d
}

// NewUser makes a user who may read, and returns its id.
func (c *Console) NewUser(ctx context.Context, name string) (id string, err error) {
	body := []map[string]string{{"name": name, "password": name + "-" + name, "source": "Polaris"}}
	var made struct {
		Responses []struct {
			User struct {
				ID string `json:"id"`
			} `json:"user"`
		} `json:"responses"`
	}
	if err := c.call(ctx, http.MethodPost, "/core/v1/users", body, &made); err != nil {
		return "", err
	}
	if len(made.Responses) != 1 {
		return "", fmt.Errorf("the server made %d users", len(made.Responses))
	}
	return made.Responses[0].User.ID, nil
}

// TokenOf returns the token of a user. The server's cache learns of a new one
// within a second.
func (c *Console) TokenOf(ctx context.Context, id string) (string, error) {
	var reply struct {
		User struct {
			Token string `json:"auth_token"`
		} `json:"user"`
	}
	err := c.call(ctx, http.MethodGet, "/core/v1/user/token?id="+id, nil, &reply)
	return reply.User.Token, err
}
