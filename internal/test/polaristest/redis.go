package polaristest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// Redis is a running Redis that keeps nothing on disk, without a password.
type Redis struct {
	Addr string
	port string
	cmd  *exec.Cmd
	out  *buffer
}

// RedisProgram is what StartRedis runs.
const RedisProgram = "redis-server"

// StartRedis starts a Redis.
func StartRedis() (*Redis, error) {
	r := &Redis{port: strconv.Itoa(FreePort())}
	r.Addr = "127.0.0.1:" + r.port
	return r, r.Start()
}

// Start starts a killed Redis again at the same address, empty.
func (r *Redis) Start() error {
	r.out = &buffer{}
	r.cmd = exec.Command(RedisProgram, "--bind", "127.0.0.1", "--port", r.port, "--save", "", "--appendonly", "no")
	r.cmd.Stdout, r.cmd.Stderr, r.cmd.SysProcAttr = r.out, r.out, DieWithParent()
	if err := r.cmd.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(Patience); !listens(r.Addr); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			return errors.Join(fmt.Errorf("redis does not listen: %s", r.out), r.Kill())
		}
	}
	return nil
}

// Kill ends it at once.
func (r *Redis) Kill() error { return endProcess(r.cmd) }

// endProcess kills a process that may have ended.
func endProcess(cmd *exec.Cmd) error {
	err := cmd.Process.Kill()
	_ = cmd.Wait()
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
