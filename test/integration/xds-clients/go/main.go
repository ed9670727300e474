// Calls the echo service of the tests by xDS, as it is told to on standard input: see client.py,
// which takes the same orders and gives the same answers.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	_ "google.golang.org/grpc/xds"
)

type order struct {
	Calls    int
	Text     string
	Method   string
	Metadata map[string]string
	Timeout  float64
	Together int
}

type result struct {
	Answers map[string]int `json:"answers"`
	Ms      int64          `json:"ms"`
	Details string         `json:"details"`
}

// Messages of the echo service have one field, a short text.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(message any) ([]byte, error) {
	text := *message.(*string)
	return append([]byte{0x0a, byte(len(text))}, text...), nil
}

func (codec) Unmarshal(data []byte, message any) error {
	*message.(*string) = string(data[min(2, len(data)):])
	return nil
}

var names = map[codes.Code]string{
	codes.Canceled: "CANCELLED", codes.Unknown: "UNKNOWN", codes.InvalidArgument: "INVALID_ARGUMENT",
	codes.DeadlineExceeded: "DEADLINE_EXCEEDED", codes.NotFound: "NOT_FOUND", codes.AlreadyExists: "ALREADY_EXISTS",
	codes.PermissionDenied: "PERMISSION_DENIED", codes.ResourceExhausted: "RESOURCE_EXHAUSTED",
	codes.FailedPrecondition: "FAILED_PRECONDITION", codes.Aborted: "ABORTED", codes.OutOfRange: "OUT_OF_RANGE",
	codes.Unimplemented: "UNIMPLEMENTED", codes.Internal: "INTERNAL", codes.Unavailable: "UNAVAILABLE",
	codes.DataLoss: "DATA_LOSS", codes.Unauthenticated: "UNAUTHENTICATED",
}

func call(channel *grpc.ClientConn, o order) (string, string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(o.Timeout*float64(time.Second)))
	defer cancel()
	ctx = metadata.NewOutgoingContext(ctx, metadata.New(o.Metadata))
	var answer string
	err := channel.Invoke(ctx, "/bookmesh.testing.v1.EchoService/"+o.Method, &o.Text, &answer, grpc.ForceCodec(codec{}))
	if err != nil {
		return names[status.Code(err)], status.Convert(err).Message()
	}
	return answer, ""
}

func run(channel *grpc.ClientConn, o order) result {
	r := result{Answers: map[string]int{}}
	var lock sync.Mutex
	var group sync.WaitGroup
	turns := make(chan struct{}, o.Together)
	start := time.Now()
	for range o.Calls {
		turns <- struct{}{}
		group.Go(func() {
			answer, details := call(channel, o)
			lock.Lock()
			defer lock.Unlock()
			r.Answers[answer]++
			if details != "" {
				r.Details = details
			}
			<-turns
		})
	}
	group.Wait()
	r.Ms = time.Since(start).Milliseconds()
	return r
}

// The identity in a folder with ca.crt, tls.crt and tls.key.
func mutualTLS(folder string) credentials.TransportCredentials {
	roots := x509.NewCertPool()
	ca, err := os.ReadFile(filepath.Join(folder, "ca.crt"))
	if err != nil || !roots.AppendCertsFromPEM(ca) {
		panic(fmt.Sprint("no roots: ", err))
	}
	own, err := tls.LoadX509KeyPair(filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key"))
	if err != nil {
		panic(err)
	}
	return credentials.NewTLS(&tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS13})
}

func main() {
	channel, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(mutualTLS(os.Args[2])))
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		o := order{Method: "Unary", Timeout: 10, Together: 1}
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			panic(err)
		}
		line, _ := json.Marshal(run(channel, o))
		fmt.Println(string(line))
	}
}
