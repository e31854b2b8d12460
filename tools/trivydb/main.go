// Command trivydb writes a vulnerability database as Trivy reads it: a bolt file whose buckets hold
// JSON. It takes nested JSON objects on standard input; every "pairs" object becomes a bucket.
//
//	trivydb FILE < buckets.json
//
//	{"debian 11": {"buckets": {"bash": {"pairs": {"CVE-2019-18276": {"Status": 5}}}}}}
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"

	bolt "go.etcd.io/bbolt"
)

type content struct {
	Buckets map[string]content         `json:"buckets"`
	Pairs   map[string]json.RawMessage `json:"pairs"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: trivydb FILE < buckets.json")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "trivydb:", err)
		os.Exit(1)
	}
}

func write(path string, source io.Reader) error {
	var roots map[string]content
	decoder := json.NewDecoder(source)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&roots); err != nil {
		return err
	}
	file, err := bolt.Open(path, 0o644, nil)
	if err != nil {
		return err
	}
	err = file.Update(func(tx *bolt.Tx) error {
		for _, name := range sorted(roots) {
			bucket, err := tx.CreateBucketIfNotExists([]byte(name))
			if err != nil {
				return err
			}
			if err := fill(bucket, roots[name]); err != nil {
				return err
			}
		}
		return nil
	})
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

func fill(bucket *bolt.Bucket, from content) error {
	for _, key := range sorted(from.Pairs) {
		if err := bucket.Put([]byte(key), from.Pairs[key]); err != nil {
			return err
		}
	}
	for _, name := range sorted(from.Buckets) {
		inner, err := bucket.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return err
		}
		if err := fill(inner, from.Buckets[name]); err != nil {
			return err
		}
	}
	return nil
}

func sorted[V any](from map[string]V) []string {
	names := make([]string, 0, len(from))
	for name := range from {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
