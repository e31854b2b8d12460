// Command grypedb writes a vulnerability database as Grype reads it (schema 6: an SQLite file beside
// the record of its import). It takes a JSON object on standard input, see "content".
//
//	grypedb FOLDER < content.json
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	_ "github.com/glebarez/sqlite"
	"github.com/spf13/afero"

	v6 "github.com/anchore/grype/grype/db/v6"
)

type content struct {
	Built           time.Time            `json:"built"`
	Providers       map[string]time.Time `json:"providers"` // when the data of each was captured
	Vulnerabilities []vulnerability      `json:"vulnerabilities"`
	Exploited       []string             `json:"exploited"`
	Probabilities   map[string]float64   `json:"probabilities"` // EPSS
}

type vulnerability struct {
	Name     string     `json:"name"`
	Provider string     `json:"provider"`
	Severity string     `json:"severity"` // a word; empty: none
	Affected []affected `json:"affected"`
}

type affected struct {
	Release   string     `json:"release"` // of Debian
	Package   string     `json:"package"` // source package
	State     string     `json:"state"`
	Fixed     string     `json:"fixed"`
	Available *time.Time `json:"available"`
	Advisory  string     `json:"advisory"`
}

// Grype knows a release only where its code name fits as well.
var codenames = map[string]string{"11": "bullseye", "12": "bookworm", "13": "trixie"}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: grypedb FOLDER < content.json")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "grypedb:", err)
		os.Exit(1)
	}
}

func write(folder string, source io.Reader) error {
	var given content
	decoder := json.NewDecoder(source)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&given); err != nil {
		return err
	}
	store, err := v6.NewWriter(v6.Config{DBDirPath: folder, CacheSizeKiB: 8192})
	if err != nil {
		return err
	}
	if err := fill(store, given); err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	if err := date(filepath.Join(folder, v6.VulnerabilityDBFileName), given.Built); err != nil {
		return err
	}
	// The indexes were dropped when the store was closed; Grype makes them on import.
	if err := v6.Hydrater()(folder); err != nil {
		return err
	}
	_, err = v6.WriteImportMetadata(afero.NewOsFs(), folder, "basekeeper's tests")
	return err
}

func fill(store v6.ReadWriter, given content) error {
	providers := map[string]*v6.Provider{}
	for id, captured := range given.Providers {
		provider := v6.Provider{ID: id, Version: "1", Processor: "basekeeper", DateCaptured: &captured}
		if err := store.AddProvider(provider); err != nil {
			return err
		}
		providers[id] = &provider
	}
	for _, one := range given.Vulnerabilities {
		if providers[one.Provider] == nil {
			return fmt.Errorf("%s: provider %q is not among the providers", one.Name, one.Provider)
		}
		if err := add(store, one, providers[one.Provider]); err != nil {
			return fmt.Errorf("%s: %w", one.Name, err)
		}
	}
	return decorate(store, given)
}

func add(store v6.ReadWriter, one vulnerability, provider *v6.Provider) error {
	blob := &v6.VulnerabilityBlob{ID: one.Name, Description: "a flaw of the tests"}
	if one.Severity != "" {
		severity := v6.Severity{Scheme: v6.SeveritySchemeCHMLN, Value: one.Severity, Rank: 1}
		blob.Severities = []v6.Severity{severity}
	}
	handle := &v6.VulnerabilityHandle{
		Name: one.Name, Status: v6.VulnerabilityActive,
		ProviderID: provider.ID, Provider: provider, BlobValue: blob,
	}
	if err := store.AddVulnerabilities(handle); err != nil {
		return err
	}
	for _, where := range one.Affected {
		if err := store.AddAffectedPackages(affects(handle, where)); err != nil {
			return err
		}
	}
	return nil
}

func affects(handle *v6.VulnerabilityHandle, where affected) *v6.AffectedPackageHandle {
	fix := &v6.Fix{State: v6.FixStatus(where.State), Version: where.Fixed, Detail: &v6.FixDetail{}}
	if where.Available != nil {
		available := v6.FixAvailability{Date: where.Available, Kind: "advisory"}
		fix.Detail.Available = &available
	}
	if where.Advisory != "" {
		reference := v6.Reference{
			ID: where.Advisory, URL: "https://security-tracker.debian.org/tracker/" + where.Advisory,
			Tags: []string{v6.AdvisoryReferenceTag},
		}
		fix.Detail.References = []v6.Reference{reference}
	}
	version := v6.Version{Type: "dpkg"}
	if where.Fixed != "" {
		version.Constraint = "< " + where.Fixed
	}
	return &v6.AffectedPackageHandle{
		VulnerabilityID: handle.ID,
		OperatingSystem: &v6.OperatingSystem{
			Name: "debian", ReleaseID: "debian", MajorVersion: where.Release,
			Codename: codenames[where.Release],
		},
		Package:   &v6.Package{Ecosystem: "deb", Name: where.Package},
		BlobValue: &v6.PackageBlob{Ranges: []v6.Range{{Version: version, Fix: fix}}},
	}
}

func decorate(store v6.ReadWriter, given content) error {
	for _, cve := range given.Exploited {
		handle := &v6.KnownExploitedVulnerabilityHandle{
			Cve: cve, BlobValue: &v6.KnownExploitedVulnerabilityBlob{Cve: cve, DateAdded: &given.Built},
		}
		if err := store.AddKnownExploitedVulnerabilities(handle); err != nil {
			return err
		}
	}
	for cve, probability := range given.Probabilities {
		handle := &v6.EpssHandle{Cve: cve, Epss: probability, Percentile: 0.5, Date: given.Built}
		if err := store.AddEpss(handle); err != nil {
			return err
		}
	}
	return nil
}

// date says when the database was made; the store itself takes the present instant.
func date(path string, built time.Time) error {
	file, err := v6.NewLowLevelDB(path, false, true, false)
	if err != nil {
		return err
	}
	changed := file.Model(&v6.DBMetadata{}).Where("true").Update("build_timestamp", built.UTC())
	connection, err := file.DB()
	if err != nil {
		return err
	}
	if err := connection.Close(); err != nil {
		return err
	}
	return changed.Error
}
