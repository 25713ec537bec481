package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

const (
	// finalizer is on every inventory that the original has seen. wrangler puts it there for whoever wants to know of
	// removals, here the clusters' registration tokens: a replacement of the whole object after each creation, which is the
	// second of the two writes that a machine costs the original. A status that has not changed is no write of its own.
	finalizer = "wrangler.cattle.io/machine-inventory-remove"
	// workers is how many objects of a kind wrangler works on at once.
	workers = 5
)

// finalizerKeeper gives each inventory its finalizer, and takes it away from those that are being deleted.
type finalizerKeeper struct {
	cluster *cluster
	queue   workqueue.TypedRateLimitingInterface[string]
}

func newFinalizerKeeper(c *cluster) *finalizerKeeper {
	limiter := workqueue.DefaultTypedControllerRateLimiter[string]()
	return &finalizerKeeper{cluster: c, queue: workqueue.NewTypedRateLimitingQueue(limiter)}
}

func (k *finalizerKeeper) start(ctx context.Context) error {
	enqueue := func(object any) {
		if key, err := cache.MetaNamespaceKeyFunc(object); err == nil {
			k.queue.Add(key)
		}
	}
	_, err := k.cluster.inventories.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    enqueue,
		UpdateFunc: func(_, object any) { enqueue(object) },
	})
	if err != nil {
		return err
	}
	for range workers {
		go k.work(ctx)
	}
	return nil
}

func (k *finalizerKeeper) work(ctx context.Context) {
	for {
		key, ending := k.queue.Get()
		if ending {
			return
		}
		if err := k.tend(ctx, key); err != nil {
			fmt.Fprintf(os.Stderr, "legacy-operator: %s: %v\n", key, err)
			k.queue.AddRateLimited(key)
		} else {
			k.queue.Forget(key)
		}
		k.queue.Done(key)
	}
}

func (k *finalizerKeeper) tend(ctx context.Context, key string) error {
	object, present, err := k.cluster.inventories.GetIndexer().GetByKey(key)
	if err != nil || !present {
		return err
	}
	inventory := object.(*machineInventory)
	held := slices.Contains(inventory.Finalizers, finalizer)
	leaving := inventory.DeletionTimestamp != nil
	if held != leaving {
		return nil
	}
	changed := inventory.deepCopy()
	if leaving {
		changed.Finalizers = slices.DeleteFunc(changed.Finalizers, func(name string) bool { return name == finalizer })
	} else {
		changed.Finalizers = append(changed.Finalizers, finalizer)
	}
	if err := k.cluster.replace(ctx, changed); !apierrors.IsNotFound(err) {
		return err
	}
	return nil
}
