package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"gopkg.in/yaml.v3"

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// podNetworks are the first three bytes of the pods' addresses, by Deployment.
var podNetworks = map[string]string{"epp-domain": "10.8.10.", "epp-domain-core": "10.8.20.", "epp-domain-query": "10.8.30."}

// Deployment is what the tutorial's manifests may have; all else is refused.
type Deployment struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   Metadata
	Spec       struct {
		Replicas int
		Selector struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		}
		Template struct {
			Metadata Metadata
			Spec     struct {
				TerminationGracePeriodSeconds int `yaml:"terminationGracePeriodSeconds"`
				Containers                    []Container
			}
		}
	}
}

// Metadata is that of a Deployment, and of its pods.
type Metadata struct {
	Name, Namespace string
	Labels          map[string]string
}

// Container is a container of a pod.
type Container struct {
	Name, Image string
	Env         []struct{ Name, Value string }
	Ports       []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	ReadinessProbe struct {
		TCPSocket struct{ Port string } `yaml:"tcpSocket"`
	} `yaml:"readinessProbe"`
	Resources struct{ Requests, Limits struct{ CPU, Memory string } }
}

// ReadDeployment reads a manifest of the tutorial.
func ReadDeployment(r io.Reader) (d Deployment, err error) {
	decoder := yaml.NewDecoder(r)
	decoder.KnownFields(true)
	if err := decoder.Decode(&d); err != nil {
		return d, err
	}
	if podNetworks[d.Metadata.Name] == "" || len(d.Spec.Template.Spec.Containers) != 1 || len(d.Spec.Template.Spec.Containers[0].Ports) != 1 {
		return d, fmt.Errorf("deployment %q is none of the tutorial's", d.Metadata.Name)
	}
	return d, nil
}

// Pods are a Deployment's pods, as they register.
func (d Deployment) Pods() (pods []polaristest.Instance) {
	c := d.Spec.Template.Spec.Containers[0]
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	for i := range d.Spec.Replicas {
		pods = append(pods, polaristest.Instance{
			Namespace: env["POLARIS_NAMESPACE"], Service: env["POLARIS_SERVICE"], Host: fmt.Sprint(podNetworks[d.Metadata.Name], i+1),
			Port: c.Ports[0].ContainerPort, Weight: usualWeight, Healthy: true,
		})
	}
	return pods
}

// errKubectl says which commands there are.
var errKubectl = errors.New(`this kubectl plays the one of docs/tutorial-set.md, expected "kubectl apply -f FILE ..." or "kubectl delete -f FILE ..."`)

// Kubectl plays what `kubectl apply` and `kubectl delete` of Deployments lead to: their
// pods register, or end.
func Kubectl(ctx context.Context, console *polaristest.Console, w io.Writer, args []string) error {
	if len(args) < 3 || len(args)%2 == 0 {
		return errKubectl
	}
	call, done := console.Register, "created"
	switch args[0] {
	case "apply":
	case "delete":
		call, done = console.Deregister, "deleted"
	default:
		return errKubectl
	}
	for i := 1; i < len(args); i += 2 {
		if args[i] != "-f" {
			return errKubectl
		}
		d, err := openDeployment(args[i+1])
		if err != nil {
			return fmt.Errorf("%s: %w", args[i+1], err)
		}
		if err := call(ctx, d.Pods()...); err != nil {
			return err
		}
		fmt.Fprintf(w, "deployment.apps/%s %s\n", d.Metadata.Name, done)
	}
	return nil
}

func openDeployment(name string) (Deployment, error) {
	file, err := os.Open(name)
	if err != nil {
		return Deployment{}, err
	}
	defer file.Close()
	return ReadDeployment(file)
}
