package main

import (
	"context"
	"fmt"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/util/retry"
)

// discover asks what is served and calls each sort of client once through all its verbs.
func discover(ctx context.Context, config *rest.Config, args []string) error {
	namespace := args[0]
	found, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	version, err := found.ServerVersion()
	if err != nil {
		return err
	}
	_, lists, err := found.ServerGroupsAndResources()
	if err != nil {
		return err
	}
	var resources []string
	for _, list := range lists {
		for _, resource := range list.APIResources {
			verbs := append([]string{}, resource.Verbs...)
			sort.Strings(verbs)
			resources = append(resources, fmt.Sprintf("%s %s %s %s", list.GroupVersion, resource.Name, resource.Kind, strings.Join(verbs, ",")))
		}
	}
	sort.Strings(resources)
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(found))
	mapping, err := mapper.RESTMapping(schema.GroupKind{Group: "coordination.k8s.io", Kind: "Lease"})
	if err != nil {
		return err
	}
	say(map[string]any{"version": version.Major + "." + version.Minor, "resources": resources, "lease": mapping.Resource.String()})

	steps := []struct {
		name string
		run  func() error
	}{
		{"typed", func() error { return useTyped(ctx, config, namespace) }},
		{"dynamic", func() error { return useDynamic(ctx, config, namespace) }},
		{"metadata", func() error { return useMetadata(ctx, config, namespace) }},
	}
	for _, step := range steps {
		if err := step.run(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		say(map[string]any{"done": step.name})
	}
	return nil
}

func must(holds bool, what string) error {
	if holds {
		return nil
	}
	return fmt.Errorf("not so: %s", what)
}

func useTyped(ctx context.Context, config *rest.Config, namespace string) error {
	// As client-go does for Kubernetes' own kinds where it may: protobuf is preferred, and JSON is taken.
	config = rest.CopyConfig(config)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	maps := client.CoreV1().ConfigMaps(namespace)
	made, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "typed-", Labels: map[string]string{"by": "typed"}}, Data: map[string]string{"n": "1"}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if _, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: made.Name}}, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("a second create: %v", err)
	}
	stale := made.DeepCopy()
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		current, err := maps.Get(ctx, made.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		current.Data["n"] = "2"
		_, err = maps.Update(ctx, current, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	stale.Data["n"] = "3"
	if _, err := maps.Update(ctx, stale, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		return fmt.Errorf("a stale update: %v", err)
	}
	patched, err := maps.Patch(ctx, made.Name, types.StrategicMergePatchType, []byte(`{"data":{"p":"1"}}`), metav1.PatchOptions{})
	if err != nil {
		return err
	}
	if err := must(patched.Data["n"] == "2" && patched.Data["p"] == "1", "the patch merges"); err != nil {
		return err
	}
	applied, err := maps.Apply(ctx, applycorev1.ConfigMap(made.Name, namespace).WithData(map[string]string{"a": "1"}), metav1.ApplyOptions{FieldManager: "someone", Force: true})
	if err != nil {
		return err
	}
	if err := must(applied.Data["a"] == "1" && applied.Data["n"] == "2", "apply keeps what others own"); err != nil {
		return err
	}
	extracted, err := applycorev1.ExtractConfigMap(applied, "someone")
	if err != nil {
		return err
	}
	if err := must(len(extracted.Data) == 1 && extracted.Data["a"] == "1", "extract finds what the manager owns"); err != nil {
		return err
	}
	listed, err := maps.List(ctx, metav1.ListOptions{LabelSelector: "by=typed", Limit: 1})
	if err != nil {
		return err
	}
	if err := must(len(listed.Items) == 1, "the selector finds one"); err != nil {
		return err
	}
	if _, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "Not_A_Name"}}, metav1.CreateOptions{}); !apierrors.IsInvalid(err) {
		return fmt.Errorf("a bad name: %v", err)
	}
	if err := maps.Delete(ctx, made.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &made.UID}}); err != nil {
		return err
	}
	if _, err := maps.Get(ctx, made.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return fmt.Errorf("a get after the delete: %v", err)
	}
	return nil
}

func useDynamic(ctx context.Context, config *rest.Config, namespace string) error {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	secrets := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(namespace)
	secret := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "dynamic"}, "stringData": map[string]any{"k": "v"}}}
	made, err := secrets.Create(ctx, secret, metav1.CreateOptions{FieldValidation: "Strict"})
	if err != nil {
		return err
	}
	value, _, _ := unstructured.NestedString(made.Object, "data", "k")
	if err := must(value == "dg==", "stringData became data"); err != nil {
		return err
	}
	secret.Object["nonsense"] = "x"
	secret.SetName("other")
	if _, err := secrets.Create(ctx, secret, metav1.CreateOptions{FieldValidation: "Strict"}); !apierrors.IsBadRequest(err) {
		return fmt.Errorf("an unknown field: %v", err)
	}
	secret = &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "dynamic"}, "stringData": map[string]any{"k": "w"}}}
	if _, err := secrets.Apply(ctx, "dynamic", secret, metav1.ApplyOptions{FieldManager: "someone", Force: true}); err != nil {
		return err
	}
	return secrets.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{FieldSelector: "metadata.name=dynamic"})
}

func useMetadata(ctx context.Context, config *rest.Config, namespace string) error {
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	accounts := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}).Namespace(namespace)
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if _, err := typed.CoreV1().ServiceAccounts(namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "seen", Labels: map[string]string{"a": "b"}}}, metav1.CreateOptions{}); err != nil {
		return err
	}
	got, err := accounts.Get(ctx, "seen", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if err := must(got.Labels["a"] == "b", "metadata comes alone"); err != nil {
		return err
	}
	if _, err := accounts.Patch(ctx, "seen", types.MergePatchType, []byte(`{"metadata":{"labels":{"c":"d"}}}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	listed, err := accounts.List(ctx, metav1.ListOptions{LabelSelector: "c=d"})
	if err != nil {
		return err
	}
	if err := must(len(listed.Items) == 1, "the list has metadata"); err != nil {
		return err
	}
	return accounts.Delete(ctx, "seen", metav1.DeleteOptions{})
}
