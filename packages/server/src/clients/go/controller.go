package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const finalizer = "clients.test/farewell"

var groupVersion = schema.GroupVersion{Group: "clients.test", Version: "v1"}

// Greeting wants copies of a text, each in a ConfigMap.
type Greeting struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              GreetingSpec   `json:"spec"`
	Status            GreetingStatus `json:"status,omitempty"`
}

type GreetingSpec struct {
	Text   string `json:"text"`
	Copies int    `json:"copies,omitempty"`
}

type GreetingStatus struct {
	Copies     int                `json:"copies,omitempty"`
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

func (greeting *Greeting) DeepCopyObject() runtime.Object {
	copied := *greeting
	copied.ObjectMeta = *greeting.ObjectMeta.DeepCopy()
	copied.Status.Conditions = append([]metav1.Condition(nil), greeting.Status.Conditions...)
	return &copied
}

type GreetingList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Greeting `json:"items"`
}

func (list *GreetingList) DeepCopyObject() runtime.Object {
	copied := *list
	copied.Items = make([]Greeting, len(list.Items))
	for index := range list.Items {
		copied.Items[index] = *list.Items[index].DeepCopyObject().(*Greeting)
	}
	return &copied
}

type reconciler struct {
	client   client.Client
	recorder events.EventRecorder
}

// Reconcile brings the copies to what the greeting wants; a greeting that goes leaves a farewell.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var greeting Greeting
	if err := r.client.Get(ctx, request.NamespacedName, &greeting); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !greeting.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.farewell(ctx, &greeting)
	}
	if controllerutil.AddFinalizer(&greeting, finalizer) {
		return ctrl.Result{}, r.client.Update(ctx, &greeting) // the change wakes us again
	}
	for number := range greeting.Spec.Copies {
		owner := applymetav1.OwnerReference().WithAPIVersion(groupVersion.String()).WithKind("Greeting").WithName(greeting.Name).
			WithUID(greeting.UID).WithController(true).WithBlockOwnerDeletion(true)
		copied := applycorev1.ConfigMap(fmt.Sprintf("%s-%d", greeting.Name, number), greeting.Namespace).
			WithOwnerReferences(owner).WithLabels(map[string]string{"greeting": greeting.Name}).WithData(map[string]string{"text": greeting.Spec.Text})
		if err := r.client.Apply(ctx, copied, client.FieldOwner("greeter"), client.ForceOwnership); err != nil {
			return ctrl.Result{}, err
		}
	}
	var copies corev1.ConfigMapList
	if err := r.client.List(ctx, &copies, client.InNamespace(greeting.Namespace), client.MatchingLabels{"greeting": greeting.Name}); err != nil {
		return ctrl.Result{}, err
	}
	before := greeting.DeepCopyObject().(*Greeting)
	greeting.Status.Copies = len(copies.Items)
	ready := metav1.Condition{Type: "Ready", Status: metav1.ConditionFalse, Reason: "Copying", ObservedGeneration: greeting.Generation}
	if len(copies.Items) == greeting.Spec.Copies {
		ready.Status, ready.Reason = metav1.ConditionTrue, "Copied"
	}
	if !meta.SetStatusCondition(&greeting.Status.Conditions, ready) && before.Status.Copies == greeting.Status.Copies {
		return ctrl.Result{}, nil
	}
	if err := r.client.Status().Patch(ctx, &greeting, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		if apierrors.IsConflict(err) {
			return ctrl.Result{}, nil // somebody changed it: that wakes us
		}
		return ctrl.Result{}, err
	}
	if ready.Status == metav1.ConditionTrue {
		r.recorder.Eventf(&greeting, nil, corev1.EventTypeNormal, "Copied", "Copy", "%d copies of %q", greeting.Spec.Copies, greeting.Spec.Text)
	}
	return ctrl.Result{}, nil
}

func (r *reconciler) farewell(ctx context.Context, greeting *Greeting) error {
	if !controllerutil.ContainsFinalizer(greeting, finalizer) {
		return nil
	}
	last := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: greeting.Namespace, Name: "farewell-" + greeting.Name}}
	_, err := controllerutil.CreateOrUpdate(ctx, r.client, last, func() error {
		last.Data = map[string]string{"text": greeting.Spec.Text}
		return nil
	})
	if err != nil {
		return err
	}
	controllerutil.RemoveFinalizer(greeting, finalizer)
	return r.client.Update(ctx, greeting)
}

func definition() *apiextensionsv1.CustomResourceDefinition {
	text := apiextensionsv1.JSONSchemaProps{Type: "string", MinLength: new(int64(1))}
	one := float64(0)
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "greetings.clients.test"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: groupVersion.Group,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "greetings", Singular: "greeting", Kind: "Greeting", ListKind: "GreetingList", ShortNames: []string{"hi"}},
			Scope: apiextensionsv1.NamespaceScoped,
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: groupVersion.Version, Served: true, Storage: true,
				Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
				AdditionalPrinterColumns: []apiextensionsv1.CustomResourceColumnDefinition{
					{Name: "Copies", Type: "integer", JSONPath: ".status.copies"},
				},
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object", Required: []string{"spec"},
					Properties: map[string]apiextensionsv1.JSONSchemaProps{
						"spec": {
							Type: "object", Required: []string{"text"},
							Properties: map[string]apiextensionsv1.JSONSchemaProps{
								"text":   text,
								"copies": {Type: "integer", Minimum: &one, Default: &apiextensionsv1.JSON{Raw: []byte("1")}},
							},
							XValidations: apiextensionsv1.ValidationRules{{Rule: "self.copies <= 5", Message: "five copies are enough"}},
						},
						"status": {
							Type: "object",
							Properties: map[string]apiextensionsv1.JSONSchemaProps{
								"copies": {Type: "integer"},
								"conditions": {
									Type: "array", XListType: new("map"), XListMapKeys: []string{"type"},
									Items: &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &apiextensionsv1.JSONSchemaProps{
										Type: "object", Required: []string{"type", "status"},
										Properties: map[string]apiextensionsv1.JSONSchemaProps{
											"type": {Type: "string"}, "status": {Type: "string"}, "reason": {Type: "string"}, "message": {Type: "string"},
											"observedGeneration": {Type: "integer"}, "lastTransitionTime": {Type: "string", Format: "date-time"},
										},
									}},
								},
							},
						},
					},
				}},
			}},
		},
	}
}

// install creates the definition and waits until it is established.
func install(ctx context.Context, reader client.WithWatch) error {
	if err := reader.Create(ctx, definition()); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	definitions := &apiextensionsv1.CustomResourceDefinitionList{}
	watching, err := reader.Watch(ctx, definitions, client.MatchingFields{"metadata.name": "greetings.clients.test"})
	if err != nil {
		return err
	}
	defer watching.Stop()
	for event := range watching.ResultChan() {
		seen, is := event.Object.(*apiextensionsv1.CustomResourceDefinition)
		if !is {
			return fmt.Errorf("the watch of definitions: %v", event)
		}
		for _, condition := range seen.Status.Conditions {
			if condition.Type == apiextensionsv1.Established && condition.Status == apiextensionsv1.ConditionTrue {
				return nil
			}
		}
	}
	return fmt.Errorf("the watch of definitions ended")
}

func controller(ctx context.Context, config *rest.Config, args []string) error {
	namespace := args[0]
	ctrl.SetLogger(klog.Background())
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, groupVersion)
	scheme.AddKnownTypes(groupVersion, &Greeting{}, &GreetingList{})
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	installing, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	if err := install(ctx, installing); err != nil {
		return err
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Metrics:                       metricsserver.Options{BindAddress: "0"},
		LeaderElection:                true,
		LeaderElectionID:              "greeter.clients.test",
		LeaderElectionNamespace:       namespace,
		LeaderElectionReleaseOnCancel: true,
		Cache:                         cache.Options{DefaultNamespaces: map[string]cache.Config{namespace: {}}},
	})
	if err != nil {
		return err
	}
	greeter := &reconciler{client: manager.GetClient(), recorder: manager.GetEventRecorder("greeter")}
	if err := ctrl.NewControllerManagedBy(manager).For(&Greeting{}).Owns(&corev1.ConfigMap{}).Complete(greeter); err != nil {
		return err
	}
	go func() {
		<-manager.Elected()
		say(map[string]string{"elected": namespace})
	}()
	return manager.Start(ctx)
}
