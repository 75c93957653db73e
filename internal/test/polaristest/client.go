package polaristest

import (
	"context"
	"crypto/md5" // as Polaris does
	"fmt"

	apiconfig "github.com/polarismesh/specification/source/go/api/v1/config_manage"
	apiservice "github.com/polarismesh/specification/source/go/api/v1/service_manage"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Register registers an instance as an SDK does, with a token or none, and returns
// Polaris's code. The server makes the service if there is none of the name.
func (c *Conn) Register(ctx context.Context, token string, i Instance) (uint32, error) {
	resp, err := apiservice.NewPolarisGRPCClient(c.conn).RegisterInstance(withToken(ctx, token), i.message())
	return resp.GetCode().GetValue(), err
}

// Publish publishes a file over config-grpc as an SDK does, and returns Polaris's code.
// The server compares what is there with what the client says is there.
func (c *Conn) Publish(ctx context.Context, token string, f ConfigFile, release, there, content string) (uint32, error) {
	text := wrapperspb.String
	resp, err := apiconfig.NewPolarisConfigGRPCClient(c.conn).UpsertAndPublishConfigFile(withToken(ctx, token), &apiconfig.ConfigFilePublishInfo{
		Namespace: text(f.Namespace), Group: text(f.Group), FileName: text(f.Name), ReleaseName: text(release), Content: text(content), Format: text("yaml"),
		Md5: text(fmt.Sprintf("%x", md5.Sum([]byte(there)))),
	})
	return resp.GetCode().GetValue(), err
}

// message is the part of an instance that clients send.
func (i Instance) message() *apiservice.Instance {
	text := wrapperspb.String
	return &apiservice.Instance{
		Namespace: text(i.Namespace), Service: text(i.Service), Host: text(i.Host), Port: wrapperspb.UInt32(uint32(i.Port)),
		Weight: wrapperspb.UInt32(i.Weight), Healthy: wrapperspb.Bool(i.Healthy), Metadata: i.Metadata,
	}
}

func withToken(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "x-polaris-token", token)
}
