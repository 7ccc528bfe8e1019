// Programs that other people's libraries make, as one binary: what they see of an API server is printed as lines of JSON,
// and commands come as lines on standard input. The tests beside this folder run it against our server and against
// kube-apiserver.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

var programs = map[string]func(ctx context.Context, config *rest.Config, args []string) error{
	"discover":   discover,
	"informers":  informers,
	"elect":      elect,
	"controller": controller,
}

func main() {
	if len(os.Args) < 3 || programs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: clients discover|informers|elect|controller KUBECONFIG [ARGUMENT]…")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[2])
	if err == nil {
		config.QPS, config.Burst = 200, 400
		err = programs[os.Args[1]](ctx, config, os.Args[3:])
	}
	if err != nil && ctx.Err() == nil {
		say(map[string]any{"failed": err.Error()})
		os.Exit(1)
	}
}

var output sync.Mutex

// say prints one line, whole.
func say(value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	fmt.Println(string(text))
}

// onCommands calls handle for each line of standard input, until it ends.
func onCommands(handle func(line string)) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		handle(lines.Text())
	}
}
