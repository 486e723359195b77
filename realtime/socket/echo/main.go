// Echo sends every message back. It is there for suites that check a WebSocket
// server against RFC 6455, over the same accept, read and write path as the gateway's.
//
//	go run ./realtime/socket/echo --addr 127.0.0.1:9001 [--compress]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tidewire/tidewire/realtime/socket"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	addr := flag.String("addr", "127.0.0.1:9001", "address to listen on; port 0 takes a free one")
	compress := flag.Bool("compress", false, "let clients negotiate permessage-deflate")
	flag.Parse()
	err := run(ctx, *addr, *compress)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, then closes the connections and waits for them.
func run(ctx context.Context, addr string, compress bool) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("ws://%s\n", listener.Addr())
	e := newEchoes(socket.Options{Compress: compress, ReadLimit: 64 << 20})
	server := &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // only closes the listener, which ends Serve
	defer stop()
	beats := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() { defer close(beats); e.beat(ctx) }()
	err = server.Serve(listener)
	cancel()
	<-beats
	e.shut()
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
