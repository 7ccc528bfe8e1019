package main

import (
	"context"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	kubeinformers "k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// informers keeps four caches of the ConfigMaps of a namespace (typed, dynamic, metadata only, and typed with a selector) and
// prints them whenever "state" is asked. Whether lists are streamed is for KUBE_FEATURE_WatchListClient to say.
func informers(ctx context.Context, config *rest.Config, args []string) error {
	namespace := args[0]
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	untyped, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	onlyMetadata, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	resource := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	factory := kubeinformers.NewSharedInformerFactoryWithOptions(typed, 0, kubeinformers.WithNamespace(namespace))
	selecting := kubeinformers.NewSharedInformerFactoryWithOptions(typed, 0, kubeinformers.WithNamespace(namespace), kubeinformers.WithTweakListOptions(func(options *metav1.ListOptions) {
		options.LabelSelector = "chosen=yes"
	}))
	untypedFactory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(untyped, 0, namespace, nil)
	metadataFactory := metadatainformer.NewFilteredSharedInformerFactory(onlyMetadata, 0, namespace, nil)
	caches := map[string]cache.SharedIndexInformer{
		"typed":    factory.Core().V1().ConfigMaps().Informer(),
		"chosen":   selecting.Core().V1().ConfigMaps().Informer(),
		"dynamic":  untypedFactory.ForResource(resource).Informer(),
		"metadata": metadataFactory.ForResource(resource).Informer(),
	}
	// What handlers are told must add up: nothing is added twice, nothing changes or goes that was not there.
	wrong := make(chan string, 100)
	for name, informer := range caches {
		there := map[string]string{}
		tell := func(what, key string) {
			select {
			case wrong <- name + ": " + what + " " + key:
			default:
			}
		}
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(object any) {
				key, version := identity(object)
				if _, known := there[key]; known {
					tell("added twice:", key)
				}
				there[key] = version
			},
			UpdateFunc: func(_, object any) {
				key, version := identity(object)
				if _, known := there[key]; !known {
					tell("changed and never added:", key)
				}
				there[key] = version
			},
			DeleteFunc: func(object any) {
				if gone, unknown := object.(cache.DeletedFinalStateUnknown); unknown {
					object = gone.Obj
				}
				key, _ := identity(object)
				if _, known := there[key]; !known {
					tell("gone and never added:", key)
				}
				delete(there, key)
			},
		})
		if err != nil {
			return err
		}
		go informer.Run(ctx.Done())
	}
	for _, informer := range caches {
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return ctx.Err()
		}
	}
	say(map[string]any{"synced": time.Now()})
	go onCommands(func(line string) {
		if line == "stop" {
			os.Exit(0)
		}
		var problems []string
		for len(wrong) > 0 {
			problems = append(problems, <-wrong)
		}
		state := map[string]any{"wrong": strings.Join(problems, "; ")}
		for name, informer := range caches {
			held := map[string]string{}
			for _, object := range informer.GetStore().List() {
				key, version := identity(object)
				held[key] = version
				if configMap, typed := object.(*corev1.ConfigMap); typed {
					held[key] += " " + configMap.Data["n"]
				}
			}
			state[name] = held
		}
		listed, err := factory.Core().V1().ConfigMaps().Lister().ConfigMaps(namespace).List(labels.Everything())
		state["listed"] = len(listed)
		if err != nil {
			state["wrong"] = err.Error()
		}
		say(state)
	})
	<-ctx.Done()
	return nil
}

func identity(object any) (name, version string) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		panic(err)
	}
	return accessor.GetName(), accessor.GetResourceVersion()
}
