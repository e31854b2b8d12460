// Command planner answers, for many Dockerfiles, what BuildKit itself makes of them.
//
// It reads one JSON request a line on standard input and writes one JSON answer a line:
//
//	{"path": "Dockerfile", "target": "", "platform": "linux/amd64", "args": {"A": "b"}}
//	{"path": "Dockerfile", "stages": [{"name": "", "base": "alpine"}], "images": ["docker.io/library/alpine:latest"]}
//
// `stages` is what the parser read (names as written in the file, before expansion); `images` what
// the planner asked a registry for, sorted; `error` why it refused. No registry is contacted.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

const maxLine = 1 << 20

type request struct {
	Path     string            `json:"path"`
	Target   string            `json:"target"`
	Platform string            `json:"platform"`
	Args     map[string]string `json:"args"`
}

type stage struct {
	Name string `json:"name"`
	Base string `json:"base"`
	Line int    `json:"line"`
}

type answer struct {
	Path   string   `json:"path"`
	Stages []stage  `json:"stages"`
	Images []string `json:"images"`
	Error  string   `json:"error,omitempty"`
}

// recorder is an image metadata source that knows every image and notes who asked for which.
type recorder struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (r *recorder) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	r.mu.Lock()
	r.seen[ref] = true
	r.mu.Unlock()
	platform := platforms.DefaultSpec()
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		platform = *opt.ImageOpt.Platform
	} else if opt.OCILayoutOpt != nil && opt.OCILayoutOpt.Platform != nil {
		platform = *opt.OCILayoutOpt.Platform
	}
	config, err := json.Marshal(ocispecs.Image{Platform: platform})
	return ref, digest.FromBytes(config), config, err
}

func (r *recorder) images() []string {
	names := make([]string, 0, len(r.seen))
	for name := range r.seen {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func stagesOf(data []byte) []stage {
	tree, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	parsed, _, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		return nil
	}
	stages := make([]stage, len(parsed))
	for i, s := range parsed {
		stages[i] = stage{Name: s.Name, Base: s.BaseName, Line: s.Location[0].Start.Line}
	}
	return stages
}

func plan(req request) (result answer) {
	result = answer{Path: req.Path, Stages: []stage{}, Images: []string{}}
	defer func() {
		if problem := recover(); problem != nil {
			result.Error = fmt.Sprint("panic: ", problem)
		}
	}()
	data, err := os.ReadFile(req.Path)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	if stages := stagesOf(data); stages != nil {
		result.Stages = stages
	}
	platform, err := platforms.Parse(req.Platform)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	seen := &recorder{seen: map[string]bool{}}
	capabilities := pb.Caps.CapSet(pb.Caps.All())
	build := platforms.MustParse("linux/amd64")
	_, err = dockerfile2llb.Dockerfile2LLB(context.Background(), data, dockerfile2llb.ConvertOpt{
		MetaResolver:   seen,
		TargetPlatform: &platform,
		LLBCaps:        &capabilities,
		Config: dockerui.Config{
			Target:         req.Target,
			BuildArgs:      req.Args,
			BuildPlatforms: []ocispecs.Platform{build},
		},
	})
	result.Images = seen.images()
	if err != nil {
		result.Error = strings.TrimSpace(err.Error())
	}
	return result
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 0, maxLine), maxLine)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for in.Scan() {
		req := request{Platform: "linux/amd64"}
		if err := json.Unmarshal(in.Bytes(), &req); err != nil {
			fmt.Fprintln(os.Stderr, "planner: not a request:", err)
			os.Exit(2)
		}
		if err := encoder.Encode(plan(req)); err != nil {
			fmt.Fprintln(os.Stderr, "planner:", err)
			os.Exit(1)
		}
		out.Flush()
	}
}
