// Command churn runs a server with this pack beside a stock server for a long time, both
// with the same applications over Eureka, of which one is narrowed, while instances come,
// change and go, and here also the mapping and the rules. Clients poll both, and apply
// deltas as eureka-client and py-eureka-client do. Every ten seconds the changes pause: then
// each client must have what a full list has.
//
// The report says how many hashcodes did not match, how many lists were wrong, and the
// bytes of a poll. With a mismatch or a wrong list the program ends with 1.
//
//	go run ./scripts/churn -server bin/polaris-server -stock bin/stock-server -for 10m
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

func main() {
	server := flag.String("server", "bin/polaris-server", "the server with this pack")
	stock := flag.String("stock", "", "a stock server; empty: none")
	duration := flag.Duration("for", time.Hour, "how long")
	apps := flag.Int("applications", 200, "applications, of which one is narrowed")
	each := flag.Int("instances", 7, "instances of each application")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of what happens")
	flag.Parse()
	fmt.Printf("seed %d\n", *seed)
	if err := run(*server, *stock, *duration, *apps, *each, rand.New(rand.NewPCG(*seed, 0))); err != nil {
		fmt.Fprintln(os.Stderr, "churn:", err)
		os.Exit(1)
	}
}

// deltaInterval is the deltaExpireInterval of both servers.
const deltaInterval = time.Minute

// quietEvery is how many seconds of changes come before each comparison.
const quietEvery = 10

func run(server, stock string, duration time.Duration, apps, each int, random *rand.Rand) error {
	ctx := context.Background()
	w, err := newWorld(ctx, server, stock, apps, each, random)
	if err != nil {
		return err
	}
	defer w.close()
	clients := w.newClients()
	settled := false
	for begin := time.Now(); time.Since(begin) < duration; {
		if !settled && time.Since(begin) > 2*deltaInterval {
			fmt.Printf("In the first %s, in which clients are told to fetch all at first:\n", 2*deltaInterval)
			report(os.Stdout, clients)
			for _, c := range clients {
				c.deltas, c.full, c.told = traffic{}, traffic{}, 0
			}
			settled = true
		}
		for range quietEvery {
			if err := w.change(ctx); err != nil {
				return err
			}
			for _, c := range clients {
				if random.IntN(c.every) == 0 {
					if err := c.poll(); err != nil {
						return err
					}
				}
			}
			time.Sleep(time.Second)
		}
		if err := w.compare(clients); err != nil {
			return err
		}
	}
	fmt.Println("After that:")
	report(os.Stdout, clients)
	return w.verdict(os.Stdout, clients)
}
