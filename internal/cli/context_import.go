package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

const consoleContext = "console"

// quickstartFile is what "freehold quickstart" writes about the estate that it
// set up. Members that make no context are not read.
type quickstartFile struct {
	Console struct {
		URL string `json:"url"`
		quickstartClient
	} `json:"console"`
	Regions map[string]struct {
		RegisterURL string `json:"register_url"`
		quickstartClient
		LicenseKey secret `json:"license_key"`
	} `json:"regions"`
	Tenants []struct {
		URL      string `json:"url"`
		Hostname string `json:"hostname"`
		Region   string `json:"region"`
		quickstartClient
	} `json:"tenants"`
	CAFile string `json:"ca_file"`
}

type quickstartClient struct {
	ClientID     string `json:"client_id"`
	ClientSecret secret `json:"client_secret"`
}

func contextImportCommand(env Env) *cobra.Command {
	var replace bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Add the contexts of a quickstart",
		Long: `Add contexts for everything that the file of a quickstart describes: "console",
"register-" and the region for each region, and for each tenant the first label
of its host name, a dash and the region, such as "acme-us". If no context is in
use, "console" will be.

It fails if a context exists, and adds none then, unless --replace is given.`,
		Example: `  freehold context import quickstart.json
  freehold tenant list`,
		Args: args("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			contexts, err := readQuickstart(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			return importContexts(cmd, env, contexts, replace)
		},
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "replace contexts that exist")
	return cmd
}

func importContexts(cmd *cobra.Command, env Env, contexts map[string]storedContext, replace bool) error {
	file, err := loadContexts(env)
	if err != nil {
		return err
	}
	fresh := file.Current == ""
	names := slices.Sorted(maps.Keys(contexts))
	var taken []string
	for _, name := range names {
		if _, ok := file.Contexts[name]; ok {
			taken = append(taken, name)
		}
	}
	if len(taken) > 0 && !replace {
		return fmt.Errorf("contexts exist: %s; use --replace to replace them", strings.Join(taken, ", "))
	}
	for _, name := range names {
		stored := contexts[name]
		conn, err := dial(env, stored)
		if err != nil {
			return fmt.Errorf("context %s: %w", name, err)
		}
		stored.Server = conn.BaseURL()
		if err := file.add(name, stored); err != nil {
			return err
		}
	}
	if _, ok := contexts[consoleContext]; ok && fresh {
		file.Current = consoleContext
	}
	if err := saveContexts(env, file); err != nil {
		return err
	}
	note(cmd, "Imported %s. The context %s is in use.", strings.Join(names, ", "), file.Current)
	return nil
}

func readQuickstart(path string, stdin io.Reader) (map[string]storedContext, error) {
	var text []byte
	var err error
	if path == "-" {
		text, err = io.ReadAll(stdin)
	} else {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read quickstart: %w", err)
	}
	var file quickstartFile
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read quickstart %s: %w", path, err)
	}
	if file.CAFile != "" && !filepath.IsAbs(file.CAFile) {
		if file.CAFile, err = filepath.Abs(filepath.Join(filepath.Dir(path), file.CAFile)); err != nil {
			return nil, err
		}
	}
	return file.contexts()
}

func (f *quickstartFile) contexts() (map[string]storedContext, error) {
	contexts := make(map[string]storedContext)
	add := func(name, server string, c quickstartClient, licenseKey secret) error {
		if _, ok := contexts[name]; ok {
			return fmt.Errorf("the quickstart has two hosts for the context %s", name)
		}
		contexts[name] = storedContext{
			Server: server, ClientID: c.ClientID, ClientSecret: c.ClientSecret, CAFile: f.CAFile, LicenseKey: licenseKey,
		}
		return nil
	}
	if f.Console.URL != "" {
		if err := add(consoleContext, f.Console.URL, f.Console.quickstartClient, ""); err != nil {
			return nil, err
		}
	}
	for region, r := range f.Regions {
		if err := add("register-"+region, r.RegisterURL, r.quickstartClient, r.LicenseKey); err != nil {
			return nil, err
		}
	}
	for _, tenant := range f.Tenants {
		label, _, _ := strings.Cut(tenant.Hostname, ".")
		if err := add(label+"-"+tenant.Region, tenant.URL, tenant.quickstartClient, ""); err != nil {
			return nil, err
		}
	}
	if len(contexts) == 0 {
		return nil, errors.New("the file names no console, no region and no tenant; is it a quickstart.json?")
	}
	return contexts, nil
}
