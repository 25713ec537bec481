package main

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const (
	registrations = "machineregistrations"
	inventories   = "machineinventories"

	byToken = "byToken"
	byHash  = "byHash"
)

// cluster is what the API server has of both kinds, as a cache that is kept up to date, and the way to write to it.
type cluster struct {
	client        rest.Interface
	namespace     string
	registrations cache.SharedIndexInformer
	inventories   cache.SharedIndexInformer
}

func openCluster(config *rest.Config, namespace string) (*cluster, error) {
	ours := rest.CopyConfig(config)
	ours.APIPath = "/apis"
	ours.GroupVersion = &groupVersion
	ours.NegotiatedSerializer = serializer.NewCodecFactory(newScheme()).WithoutConversion()
	client, err := rest.RESTClientFor(ours)
	if err != nil {
		return nil, err
	}
	informer := func(resource string, example runtime.Object, index string, value cache.IndexFunc) cache.SharedIndexInformer {
		source := cache.NewListWatchFromClient(client, resource, namespace, fields.Everything())
		return cache.NewSharedIndexInformer(source, example, 0, cache.Indexers{index: value})
	}
	return &cluster{
		client:        client,
		namespace:     namespace,
		registrations: informer(registrations, &machineRegistration{}, byToken, tokenOf),
		inventories:   informer(inventories, &machineInventory{}, byHash, hashOf),
	}, nil
}

func tokenOf(object any) ([]string, error) {
	if registration, ok := object.(*machineRegistration); ok && registration.Status.RegistrationToken != "" {
		return []string{registration.Status.RegistrationToken}, nil
	}
	return nil, nil
}

func hashOf(object any) ([]string, error) {
	if inventory, ok := object.(*machineInventory); ok && inventory.Spec.TPM != "" {
		return []string{inventory.Spec.TPM}, nil
	}
	return nil, nil
}

// fill returns when both caches hold what the API server had; they follow it from then on, and so do finalizers.
func (c *cluster) fill(ctx context.Context) error {
	if err := newFinalizerKeeper(c).start(ctx); err != nil {
		return err
	}
	go c.registrations.RunWithContext(ctx)
	go c.inventories.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), c.registrations.HasSynced, c.inventories.HasSynced) {
		return errors.New("the caches were not filled")
	}
	return nil
}

// registration gives the one that the token belongs to. It is the cache's own, and not to be written into.
func (c *cluster) registration(token string) (*machineRegistration, error) {
	found, err := c.registrations.GetIndexer().ByIndex(byToken, token)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errors.New("MachineRegistration does not exist")
	}
	if len(found) > 1 {
		return nil, fmt.Errorf("%d MachineRegistrations have this token", len(found))
	}
	return found[0].(*machineRegistration), nil
}

// keep stores the inventory of a machine that has none. As the original it takes a look into the cache for an answer, so
// that one machine that comes twice at once would get two.
func (c *cluster) keep(ctx context.Context, inventory *machineInventory) error {
	known, err := c.inventories.GetIndexer().ByIndex(byHash, inventory.Spec.TPM)
	if err != nil || len(known) > 0 {
		return err
	}
	request := c.client.Post().Namespace(c.namespace).Resource(inventories).Body(inventory)
	return request.Do(ctx).Into(&machineInventory{})
}

func (c *cluster) replace(ctx context.Context, inventory *machineInventory) error {
	request := c.client.Put().Namespace(c.namespace).Resource(inventories).Name(inventory.Name).Body(inventory)
	return request.Do(ctx).Into(&machineInventory{})
}
