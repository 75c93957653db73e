package eureka

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/emicklei/go-restful/v3"
	"github.com/polarismesh/polaris/apiserver/eurekaserver"
)

// replicationPath ends the path by which Eureka servers tell each other of instances.
const replicationPath = "/peerreplication/batch"

// isReplication reports whether a request is of the route for peers.
func isReplication(req *restful.Request) bool {
	return req.Request.Method == http.MethodPost && strings.HasSuffix(req.SelectedRoutePath(), replicationPath)
}

// checkReplication returns an error for a message of a peer that the stock route does not
// survive: it handles each entry in a goroutine of its own, where a panic ends the server.
// The body is read, and can be read again.
func checkReplication(req *restful.Request) error {
	body, err := io.ReadAll(req.Request.Body)
	if err != nil {
		return err
	}
	req.Request.Body = io.NopCloser(bytes.NewReader(body))
	var message eurekaserver.ReplicationList
	if err := json.Unmarshal(body, &message); err != nil {
		return fmt.Errorf("the message cannot be read: %w", err)
	}
	for n, entry := range message.ReplicationList {
		switch {
		case entry == nil:
			return fmt.Errorf("entry %d is null, expected an object", n)
		case entry.InstanceInfo == nil && entry.Action == "Register":
			return fmt.Errorf("entry %d registers no instance, expected instanceInfo", n)
		}
	}
	return nil
}
