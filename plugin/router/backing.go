package router

import (
	"github.com/polarismesh/polaris/service"

	"github.com/polaris-contrib/setrouter/internal/backing"
	"github.com/polaris-contrib/setrouter/internal/clock"
	"github.com/polaris-contrib/setrouter/plugin/router/api"
)

// watchBacking begins to watch what a server needs beside itself: its store, and where its
// heartbeats are kept. The goroutines live as long as the process.
func (s *Server) watchBacking(stock *service.Server) {
	if found := backing.StoreOf(stock.Cache().GetStore()); found != nil {
		s.backing = append(s.backing, found)
	}
	if health := stock.HealthServer(); health != nil {
		for _, checker := range health.Checkers() {
			if found := backing.HeartbeatsOf(checker); found != nil {
				s.backing = append(s.backing, found)
			}
		}
	}
	for _, service := range s.backing {
		go service.Watch()
	}
}

// Backing returns what this node needs beside itself and may lose, and whether it answers.
func (s *Server) Backing() []api.Backing {
	out, now := []api.Backing{}, s.Now()
	for _, service := range s.backing {
		state := service.State()
		b := api.Backing{Kind: service.Kind, Name: service.Name, Problem: state.Problem}
		if !state.AwayAt.IsZero() {
			at := clock.AsOf(now, state.AwayAt)
			b.AwayAt = &at
		}
		out = append(out, b)
	}
	return out
}
