package main

import (
	"net/http"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/kubectl/pkg/cmd/drain"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// What kubectl keeps in files below KUBECACHEDIR, and reads again with each process.
type discovered struct {
	client discovery.CachedDiscoveryInterface
	mapper meta.RESTMapper
}

func discoverOnce() (discovered, error) {
	config, err := genericclioptions.NewConfigFlags(false).ToRESTConfig()
	if err != nil {
		return discovered{}, err
	}
	config.QPS, config.Burst = discoveryQPS, discoveryBurst
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return discovered{}, err
	}
	cached := memory.NewMemCacheClient(client)
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(cached)
	return discovered{client: cached, mapper: restmapper.NewShortcutExpander(mapper, cached, nil)}, nil
}

// As kubectl's own, k8s.io/kubectl/pkg/cmd/cmd.go, defaultConfigFlags.
const (
	discoveryQPS   = 50.0
	discoveryBurst = 300
)

// A getter like kubectl's, with what was discovered once.
type getter struct {
	genericclioptions.RESTClientGetter
	shared discovered
}

func (g getter) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return g.shared.client, nil
}

func (g getter) ToRESTMapper() (meta.RESTMapper, error) { return g.shared.mapper, nil }

// What NewKubectlCommand makes of a command line, without the commands beside drain. Flags, client and warnings are this one's
// alone: kubectl means to be a process that runs one command.
func newCommand(shared discovered, streams genericiooptions.IOStreams, around func(http.RoundTripper) http.RoundTripper) *cobra.Command {
	root := &cobra.Command{Use: "kubectl", SilenceErrors: true, SilenceUsage: true}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	flags := genericclioptions.NewConfigFlags(true).
		WithDeprecatedPasswordFlag().
		WithDiscoveryBurst(discoveryBurst).
		WithDiscoveryQPS(discoveryQPS).
		WithWarningPrinter(streams)
	// kubectl has one for the whole process, which says each warning of the API server once.
	warnings := rest.NewWarningWriter(streams.ErrOut, rest.WarningWriterOptions{Deduplicate: true})
	flags.WrapConfigFn = func(config *rest.Config) *rest.Config {
		config.WarningHandler = warnings
		config.Wrap(around)
		return config
	}
	flags.AddFlags(root.PersistentFlags())
	matching := cmdutil.NewMatchVersionFlags(flags)
	matching.AddFlags(root.PersistentFlags())
	root.AddCommand(drain.NewCmdDrain(cmdutil.NewFactory(getter{matching, shared}), streams))
	root.SetGlobalNormalizationFunc(cliflag.WordSepNormalizeFunc)
	return root
}

// What kubectl prints before it ends, and the code that it ends with.
type fatal struct {
	text string
	code int
}

func init() {
	// kubectl would end the process here, and with it all other drains.
	cmdutil.BehaviorOnFatal(func(text string, code int) { panic(fatal{text, code}) })
}

// Runs the command to its end.
func execute(command *cobra.Command, args []string) (code int) {
	defer func() {
		failure := recover()
		if failure == nil {
			return
		}
		ending, isFatal := failure.(fatal)
		if !isFatal {
			panic(failure)
		}
		code = ending.code
		if len(ending.text) > 0 {
			command.PrintErrln(strings.TrimSuffix(ending.text, "\n"))
		}
	}()
	command.SetArgs(args)
	cmdutil.CheckErr(command.Execute())
	return 0
}
