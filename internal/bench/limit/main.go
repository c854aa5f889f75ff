// Command limit holds the limit programs of the benchmark: each does only what
// physics requires of one of the server's operations, and nothing that makes
// it a product. How near the server comes to them is what is worth knowing;
// absolute figures say more about the machine.
//
//	limit token -listen ADDR -client-id ID -client-secret SECRET
//	limit credential -listen ADDR -client-id ID -client-secret SECRET -client-key X.Y
//	limit page -db FILE -organization ID [-sort name|createdAt] [-offset N] [-n N]
//	limit create -db FILE | -url URL [-writers N] [-duration D]
//	limit fill -db FILE -organization ID [-n N]
//	limit audit -db FILE -organization ID [-type T | -user ID] [-before MICROS] [-n N]
//	limit age -db FILE [-by D]
//	limit deliver -url URL -body FILE -secret SECRET [-n N] [-connections N]
//
// page, create, audit and deliver print their figures as one line of JSON.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "limit:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("want one of: token, credential, page, create, fill, audit, age, deliver")
	}
	switch args[0] {
	case "token":
		return token(ctx, args[1:])
	case "credential":
		return credential(ctx, args[1:])
	case "page":
		return page(ctx, args[1:], out)
	case "create":
		return create(ctx, args[1:], out)
	case "fill":
		return fill(ctx, args[1:])
	case "audit":
		return audit(ctx, args[1:], out)
	case "age":
		return age(ctx, args[1:])
	case "deliver":
		return deliver(ctx, args[1:], out)
	}
	return fmt.Errorf("there is no limit program %q", args[0])
}
