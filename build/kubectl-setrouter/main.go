// Command kubectl-setrouter is a plugin of kubectl: it runs setctl against a server in
// a cluster. It finds the pod, forwards a port of this machine to the admin listener
// through the API server, and ends when setctl ends.
//
//	kubectl setrouter [-n NAMESPACE] status
//
// It is a program of its own so that setctl stays without client-go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
)

const usage = `kubectl setrouter runs setctl against a server in the cluster.

  kubectl setrouter [FLAGS] COMMAND [ARGUMENTS OF setctl]
  kubectl setrouter -n polaris status
  kubectl setrouter -n polaris explain --caller 10.1.2.3 --service default/novel

The token of the admin listener, if it has one, is in the environment variable SETROUTER_TOKEN.

`

// options are what the command line says.
type options struct {
	kubeconfig, context, namespace string
	pod, selector                  string
	port                           int
	command                        []string // of setctl
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	if err := run(context.Background(), o); err != nil {
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
			os.Exit(exit.ExitCode()) // setctl has said why
		}
		fmt.Fprintf(os.Stderr, "kubectl setrouter: %v\n", err)
		os.Exit(1)
	}
}

// parse reads the flags up to the command of setctl. It prints what is wrong.
func parse(args []string, out io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("kubectl setrouter", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprint(out, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "file with the access to the cluster; as for kubectl, if it is not given")
	flags.StringVar(&o.context, "context", "", "context of the kubeconfig; the current one by default")
	flags.StringVar(&o.namespace, "n", "", "namespace of the server; the context's by default")
	flags.StringVar(&o.namespace, "namespace", "", "the same as -n")
	flags.StringVar(&o.selector, "l", "app.kubernetes.io/name=polaris", "labels of the pods; of Polaris's own manifests they are app=polaris")
	flags.StringVar(&o.pod, "pod", "", "name of the pod; the first that is ready by default")
	flags.IntVar(&o.port, "port", 8095, "port of the admin listener in the pod")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.command = flags.Args(); len(o.command) == 0 {
		flags.Usage()
		return o, errors.New("no command")
	}
	return o, nil
}

// run forwards the port and runs setctl. The error of a setctl that fails is an
// *exec.ExitError.
func run(ctx context.Context, o options) error {
	program, err := setctl()
	if err != nil {
		return err
	}
	cluster, err := connect(o)
	if err != nil {
		return err
	}
	pod, err := cluster.find(ctx, o)
	if err != nil {
		return err
	}
	port, stop, err := cluster.forward(ctx, pod, o.port)
	if err != nil {
		return fmt.Errorf("pod %s/%s: %w", cluster.namespace, pod, err)
	}
	defer stop()
	return execute(program, o.command, port)
}

// setctl returns the path of setctl: beside this program, or in PATH.
func setctl() (string, error) {
	if own, err := os.Executable(); err == nil {
		if own, err = filepath.EvalSymlinks(own); err == nil {
			beside := filepath.Join(filepath.Dir(own), "setctl")
			if _, err := os.Stat(beside); err == nil {
				return beside, nil
			}
		}
	}
	path, err := exec.LookPath("setctl")
	if err != nil {
		return "", fmt.Errorf("%w; expected setctl beside kubectl-setrouter or in PATH", err)
	}
	return path, nil
}

// execute runs setctl, which gets the interrupts of the terminal itself.
func execute(program string, args []string, port uint16) error {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, syscall.SIGINT)
	defer signal.Stop(interrupts)
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), fmt.Sprintf("SETROUTER_SERVER=http://127.0.0.1:%d", port))
	return cmd.Run()
}
