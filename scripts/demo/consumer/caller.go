package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/polarismesh/polaris-go/api"
	"github.com/polarismesh/polaris-go/pkg/config"
	"github.com/polarismesh/polaris-go/pkg/model"
)

// caller is one SDK context.
type caller struct {
	consumer api.ConsumerAPI
	watches  map[model.ServiceKey]<-chan model.SubScribeEvent
}

// timeout of a call, as a test machine may be busy.
var timeout = 5 * time.Second

// newCaller makes a caller with the SDK's defaults, except for the servers, its own
// folders, and what the command says.
func newCaller(c command) (*caller, error) {
	if err := api.SetLoggersDir(filepath.Join(c.Dir, "log")); err != nil {
		return nil, err
	}
	servers := c.Servers
	if c.Server != "" {
		servers = append(servers, c.Server)
	}
	conf := config.NewDefaultConfiguration(servers)
	conf.Consumer.LocalCache.SetPersistDir(filepath.Join(c.Dir, "backup"))
	if c.Persist {
		conf.Consumer.LocalCache.SetPersistEnable(true)
	}
	if c.BindIP != "" {
		conf.Global.API.SetBindIP(c.BindIP)
	}
	if len(c.Routers) > 0 {
		conf.Consumer.ServiceRouter.SetChain(c.Routers)
	}
	consumer, err := api.NewConsumerAPIByConfig(conf)
	if err != nil {
		return nil, err
	}
	return &caller{consumer, map[model.ServiceKey]<-chan model.SubScribeEvent{}}, nil
}

func (r *caller) get(c command) answer {
	all := &api.GetAllInstancesRequest{}
	all.Namespace, all.Service, all.Timeout = c.Namespace, c.Service, &timeout
	resp, err := r.consumer.GetAllInstances(all)
	if err != nil {
		return answer{Error: err.Error()}
	}
	a := answer{Revision: resp.GetRevision(), Instances: []instance{}, Times: map[string]int{}}
	for _, i := range resp.GetInstances() {
		a.Instances = append(a.Instances, newInstance(i))
	}
	for range max(c.Times, 1) {
		picked, err := r.pick(c, nil)
		if err != nil {
			a.PickError = err.Error()
			continue
		}
		a.Picked = picked
		a.Times[picked]++
	}
	for key := range c.Keys {
		picked, err := r.pick(c, fmt.Append(nil, "user-", key))
		if err != nil {
			a.PickError = err.Error()
		}
		a.ByKey = append(a.ByKey, picked)
	}
	return a
}

// pick asks the routers and the load balancer for one instance; hashKey is for the
// balancers that have one.
func (r *caller) pick(c command, hashKey []byte) (string, error) {
	request := &api.GetOneInstanceRequest{}
	request.Namespace, request.Service, request.Timeout = c.Namespace, c.Service, &timeout
	request.LbPolicy, request.HashKey = c.Balancer, hashKey
	if c.Set != "" {
		request.SourceService = &model.ServiceInfo{Metadata: map[string]string{"internal-enable-set": "Y", "internal-set-name": c.Set}}
	}
	resp, err := r.consumer.GetOneInstance(request)
	if err != nil {
		return "", err
	}
	if resp.GetInstance() == nil {
		return "", model.NewSDKError(model.ErrCodeAPIInstanceNotFound, nil, "no instance and no error")
	}
	return resp.GetInstance().GetHost(), nil
}

// watch answers at once with what the SDK has reported since the last time.
func (r *caller) watch(c command) answer {
	key := model.ServiceKey{Namespace: c.Namespace, Service: c.Service}
	channel, ok := r.watches[key]
	if !ok {
		request := &api.WatchServiceRequest{}
		request.Key = key
		resp, err := r.consumer.WatchService(request)
		if err != nil {
			return answer{Error: err.Error()}
		}
		channel, r.watches[key] = resp.EventChannel, resp.EventChannel
		a := answer{Instances: []instance{}}
		for _, i := range resp.GetAllInstancesResp.GetInstances() {
			a.Instances = append(a.Instances, newInstance(i))
		}
		return a
	}
	a := answer{}
	for {
		select {
		case e := <-channel:
			if e, ok := e.(*model.InstanceEvent); ok {
				a.Events = append(a.Events, newEvent(e))
			}
		default:
			return a
		}
	}
}

func newEvent(e *model.InstanceEvent) event {
	var out event
	if e.AddEvent != nil {
		out.Added = hosts(e.AddEvent.Instances)
	}
	if e.UpdateEvent != nil {
		for _, u := range e.UpdateEvent.UpdateList {
			out.Updated = append(out.Updated, u.After.GetHost())
		}
	}
	if e.DeleteEvent != nil {
		out.Deleted = hosts(e.DeleteEvent.Instances)
	}
	return out
}

func hosts(instances []model.Instance) []string {
	var out []string
	for _, i := range instances {
		out = append(out, i.GetHost())
	}
	return out
}

// where answers the location that the SDK's nearby router goes by.
func (r *caller) where() answer {
	l := r.consumer.SDKContext().GetValueContext().GetCurrentLocation().GetLocation()
	if l == nil {
		return answer{}
	}
	return answer{Location: []string{l.Region, l.Zone, l.Campus}}
}
