package kubetest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// Kubelet stands in for a node's kubelet: the API server asks it to forward ports
// of pods. The processes behind are whatever listens on this machine.
type Kubelet struct {
	server *httptest.Server
	// address returns where the port of a pod really is, or "" where there is none.
	address func(pod, port string) string
}

// StartKubelet starts a kubelet. Its pods are called NAMESPACE/NAME.
func StartKubelet(address func(pod, port string) string) *Kubelet {
	k := &Kubelet{address: address}
	k.server = httptest.NewTLSServer(http.HandlerFunc(k.portForward))
	return k
}

// Close ends the kubelet and what it forwards.
func (k *Kubelet) Close() {
	k.server.CloseClientConnections()
	k.server.Close()
}

// Node creates a node whose kubelet this is.
func (k *Kubelet) Node(ctx context.Context, c *Client, name string) error {
	addr := k.server.Listener.Addr().(*net.TCPAddr)
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: addr.IP.String()}}
	n.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(addr.Port)
	return c.Create(ctx, "/api/v1/nodes", n)
}

// portForward serves /portForward/NAMESPACE/POD: each connection of a client is a stream
// of data, with a stream of errors beside it that has the same request ID.
func (k *Kubelet) portForward(w http.ResponseWriter, r *http.Request) {
	pod, ok := strings.CutPrefix(r.URL.Path, "/portForward/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	if _, err := httpstream.Handshake(r, w, []string{"portforward.k8s.io"}); err != nil {
		return // Handshake has answered
	}
	var mu sync.Mutex
	errors := map[string]httpstream.Stream{}
	conn := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, replySent <-chan struct{}) error {
		id := s.Headers().Get(corev1.PortForwardRequestIDHeader)
		mu.Lock()
		defer mu.Unlock()
		if s.Headers().Get(corev1.StreamType) == corev1.StreamTypeError {
			errors[id] = s
			return nil
		}
		go func(failed httpstream.Stream) {
			<-replySent
			k.forward(pod, s, failed)
		}(errors[id])
		return nil
	})
	if conn != nil {
		<-conn.CloseChan()
	}
}

// forward copies a connection both ways.
func (k *Kubelet) forward(pod string, data, failed httpstream.Stream) {
	defer failed.Close()
	defer data.Close()
	port := data.Headers().Get(corev1.PortHeader)
	to, err := net.Dial("tcp", k.address(pod, port))
	if err != nil {
		fmt.Fprintf(failed, "port %s of %s: %v", port, pod, err)
		return
	}
	defer to.Close()
	go func() {
		_, _ = io.Copy(to, data)
		_ = to.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(data, to)
}
