/**
 * Functions of a kube-apiserver's expressions, an overload a line: name, id, style, types of the arguments (of a
 * member the first is its target) and of the result. Written by `go run print-declarations.go` with the modules of
 * kubernetes v1.36.3 (k8s.io/apiserver, cel-go).
 */
export const declarations = `
!_ logical_not global: bool -> bool
-_ negate_double global: double -> double
-_ negate_int64 global: int -> int
@in in_list global: A; list(A) -> bool
@in in_map global: A; map(A, B) -> bool
@not_strictly_false not_strictly_false global: bool -> bool
@sortByAssociatedKeys list_int_sortByAssociatedKeys member: list(T); list(int) -> list(T)
@sortByAssociatedKeys list_uint_sortByAssociatedKeys member: list(T); list(uint) -> list(T)
@sortByAssociatedKeys list_double_sortByAssociatedKeys member: list(T); list(double) -> list(T)
@sortByAssociatedKeys list_bool_sortByAssociatedKeys member: list(T); list(bool) -> list(T)
@sortByAssociatedKeys list_google.protobuf.Duration_sortByAssociatedKeys member: list(T); list(duration) -> list(T)
@sortByAssociatedKeys list_google.protobuf.Timestamp_sortByAssociatedKeys member: list(T); list(timestamp) -> list(T)
@sortByAssociatedKeys list_string_sortByAssociatedKeys member: list(T); list(string) -> list(T)
@sortByAssociatedKeys list_bytes_sortByAssociatedKeys member: list(T); list(bytes) -> list(T)
_!=_ not_equals global: A; A -> bool
_%_ modulo_int64 global: int; int -> int
_%_ modulo_uint64 global: uint; uint -> uint
_&&_ logical_and global: bool; bool -> bool
_*_ multiply_double global: double; double -> double
_*_ multiply_int64 global: int; int -> int
_*_ multiply_uint64 global: uint; uint -> uint
_+_ add_bytes global: bytes; bytes -> bytes
_+_ add_double global: double; double -> double
_+_ add_duration_duration global: duration; duration -> duration
_+_ add_duration_timestamp global: duration; timestamp -> timestamp
_+_ add_timestamp_duration global: timestamp; duration -> timestamp
_+_ add_int64 global: int; int -> int
_+_ add_list global: list(A); list(A) -> list(A)
_+_ add_string global: string; string -> string
_+_ add_uint64 global: uint; uint -> uint
_-_ subtract_double global: double; double -> double
_-_ subtract_duration_duration global: duration; duration -> duration
_-_ subtract_int64 global: int; int -> int
_-_ subtract_timestamp_duration global: timestamp; duration -> timestamp
_-_ subtract_timestamp_timestamp global: timestamp; timestamp -> duration
_-_ subtract_uint64 global: uint; uint -> uint
_/_ divide_double global: double; double -> double
_/_ divide_int64 global: int; int -> int
_/_ divide_uint64 global: uint; uint -> uint
_<=_ less_equals_bool global: bool; bool -> bool
_<=_ less_equals_int64 global: int; int -> bool
_<=_ less_equals_int64_double global: int; double -> bool
_<=_ less_equals_int64_uint64 global: int; uint -> bool
_<=_ less_equals_uint64 global: uint; uint -> bool
_<=_ less_equals_uint64_double global: uint; double -> bool
_<=_ less_equals_uint64_int64 global: uint; int -> bool
_<=_ less_equals_double global: double; double -> bool
_<=_ less_equals_double_int64 global: double; int -> bool
_<=_ less_equals_double_uint64 global: double; uint -> bool
_<=_ less_equals_string global: string; string -> bool
_<=_ less_equals_bytes global: bytes; bytes -> bool
_<=_ less_equals_timestamp global: timestamp; timestamp -> bool
_<=_ less_equals_duration global: duration; duration -> bool
_<_ less_bool global: bool; bool -> bool
_<_ less_int64 global: int; int -> bool
_<_ less_int64_double global: int; double -> bool
_<_ less_int64_uint64 global: int; uint -> bool
_<_ less_uint64 global: uint; uint -> bool
_<_ less_uint64_double global: uint; double -> bool
_<_ less_uint64_int64 global: uint; int -> bool
_<_ less_double global: double; double -> bool
_<_ less_double_int64 global: double; int -> bool
_<_ less_double_uint64 global: double; uint -> bool
_<_ less_string global: string; string -> bool
_<_ less_bytes global: bytes; bytes -> bool
_<_ less_timestamp global: timestamp; timestamp -> bool
_<_ less_duration global: duration; duration -> bool
_==_ equals global: A; A -> bool
_>=_ greater_equals_bool global: bool; bool -> bool
_>=_ greater_equals_int64 global: int; int -> bool
_>=_ greater_equals_int64_double global: int; double -> bool
_>=_ greater_equals_int64_uint64 global: int; uint -> bool
_>=_ greater_equals_uint64 global: uint; uint -> bool
_>=_ greater_equals_uint64_double global: uint; double -> bool
_>=_ greater_equals_uint64_int64 global: uint; int -> bool
_>=_ greater_equals_double global: double; double -> bool
_>=_ greater_equals_double_int64 global: double; int -> bool
_>=_ greater_equals_double_uint64 global: double; uint -> bool
_>=_ greater_equals_string global: string; string -> bool
_>=_ greater_equals_bytes global: bytes; bytes -> bool
_>=_ greater_equals_timestamp global: timestamp; timestamp -> bool
_>=_ greater_equals_duration global: duration; duration -> bool
_>_ greater_bool global: bool; bool -> bool
_>_ greater_int64 global: int; int -> bool
_>_ greater_int64_double global: int; double -> bool
_>_ greater_int64_uint64 global: int; uint -> bool
_>_ greater_uint64 global: uint; uint -> bool
_>_ greater_uint64_double global: uint; double -> bool
_>_ greater_uint64_int64 global: uint; int -> bool
_>_ greater_double global: double; double -> bool
_>_ greater_double_int64 global: double; int -> bool
_>_ greater_double_uint64 global: double; uint -> bool
_>_ greater_string global: string; string -> bool
_>_ greater_bytes global: bytes; bytes -> bool
_>_ greater_timestamp global: timestamp; timestamp -> bool
_>_ greater_duration global: duration; duration -> bool
_?._ select_optional_field global: dyn; string -> optional_type(V)
_?_:_ conditional global: bool; A; A -> A
_[?_] list_optindex_optional_int global: list(V); int -> optional_type(V)
_[?_] optional_list_optindex_optional_int global: optional_type(list(V)); int -> optional_type(V)
_[?_] map_optindex_optional_value global: map(K, V); K -> optional_type(V)
_[?_] optional_map_optindex_optional_value global: optional_type(map(K, V)); K -> optional_type(V)
_[_] index_list global: list(A); int -> A
_[_] index_map global: map(A, B); A -> B
_[_] optional_list_index_int global: optional_type(list(V)); int -> optional_type(V)
_[_] optional_map_index_value global: optional_type(map(K, V)); K -> optional_type(V)
_||_ logical_or global: bool; bool -> bool
add quantity_add member: kubernetes.Quantity; kubernetes.Quantity -> kubernetes.Quantity
add quantity_add_int member: kubernetes.Quantity; int -> kubernetes.Quantity
allowed decision_allowed member: kubernetes.authorization.Decision -> bool
asApproximateFloat quantity_get_float member: kubernetes.Quantity -> double
asInteger quantity_get_int member: kubernetes.Quantity -> int
bool bool_to_bool global: bool -> bool
bool string_to_bool global: string -> bool
bytes bytes_to_bytes global: bytes -> bytes
bytes string_to_bytes global: string -> bytes
cel.@mapInsert @mapInsert_map_key_value global: map(K, V); K; V -> map(K, V)
cel.@mapInsert @mapInsert_map_map global: map(K, V); map(K, V) -> map(K, V)
charAt string_char_at_int member: string; int -> string
check pathcheck_check member: kubernetes.authorization.PathCheck; string -> kubernetes.authorization.Decision
check resourcecheck_check member: kubernetes.authorization.ResourceCheck; string -> kubernetes.authorization.Decision
cidr string_to_cidr global: string -> net.CIDR
compareTo quantity_compare_to member: kubernetes.Quantity; kubernetes.Quantity -> int
compareTo semver_compare_to member: kubernetes.Semver; kubernetes.Semver -> int
contains contains_string member: string; string -> bool
containsCIDR cidr_contains_cidr_string member: net.CIDR; string -> bool
containsCIDR cidr_contains_cidr member: net.CIDR; net.CIDR -> bool
containsIP cidr_contains_ip_string member: net.CIDR; string -> bool
containsIP cidr_contains_ip_ip member: net.CIDR; net.IP -> bool
distinct list_distinct member: list(T) -> list(T)
double double_to_double global: double -> double
double int64_to_double global: int -> double
double string_to_double global: string -> double
double uint64_to_double global: uint -> double
duration duration_to_duration global: duration -> duration
duration int64_to_duration global: int -> duration
duration string_to_duration global: string -> duration
dyn to_dyn global: A -> dyn
endsWith ends_with_string member: string; string -> bool
error decision_error member: kubernetes.authorization.Decision -> string
errored decision_errored member: kubernetes.authorization.Decision -> bool
family ip_family member: net.IP -> int
fieldSelector authorizer_fieldselector member: kubernetes.authorization.ResourceCheck; string -> kubernetes.authorization.ResourceCheck
find string_find_string member: string; string -> string
findAll string_find_all_string member: string; string -> list(string)
findAll string_find_all_string_int member: string; string; int -> list(string)
first list_first member: list(V) -> optional_type(V)
flatten list_flatten member: list(list(T)) -> list(T)
flatten list_flatten_int member: list(dyn); int -> list(dyn)
format string_format member: string; list(dyn) -> string
format.byte format.byte global: -> kubernetes.NamedFormat
format.date format.date global: -> kubernetes.NamedFormat
format.datetime format.datetime global: -> kubernetes.NamedFormat
format.dns1035Label format.dns1035Label global: -> kubernetes.NamedFormat
format.dns1035LabelPrefix format.dns1035LabelPrefix global: -> kubernetes.NamedFormat
format.dns1123Label format.dns1123Label global: -> kubernetes.NamedFormat
format.dns1123LabelPrefix format.dns1123LabelPrefix global: -> kubernetes.NamedFormat
format.dns1123Subdomain format.dns1123Subdomain global: -> kubernetes.NamedFormat
format.dns1123SubdomainPrefix format.dns1123SubdomainPrefix global: -> kubernetes.NamedFormat
format.labelValue format.labelValue global: -> kubernetes.NamedFormat
format.named format-named global: string -> optional_type(kubernetes.NamedFormat)
format.qualifiedName format.qualifiedName global: -> kubernetes.NamedFormat
format.uri format.uri global: -> kubernetes.NamedFormat
format.uuid format.uuid global: -> kubernetes.NamedFormat
getDate timestamp_to_day_of_month_1_based member: timestamp -> int
getDate timestamp_to_day_of_month_1_based_with_tz member: timestamp; string -> int
getDayOfMonth timestamp_to_day_of_month member: timestamp -> int
getDayOfMonth timestamp_to_day_of_month_with_tz member: timestamp; string -> int
getDayOfWeek timestamp_to_day_of_week member: timestamp -> int
getDayOfWeek timestamp_to_day_of_week_with_tz member: timestamp; string -> int
getDayOfYear timestamp_to_day_of_year member: timestamp -> int
getDayOfYear timestamp_to_day_of_year_with_tz member: timestamp; string -> int
getEscapedPath url_get_escaped_path member: kubernetes.URL -> string
getFullYear timestamp_to_year member: timestamp -> int
getFullYear timestamp_to_year_with_tz member: timestamp; string -> int
getHost url_get_host member: kubernetes.URL -> string
getHostname url_get_hostname member: kubernetes.URL -> string
getHours timestamp_to_hours member: timestamp -> int
getHours timestamp_to_hours_with_tz member: timestamp; string -> int
getHours duration_to_hours member: duration -> int
getMilliseconds timestamp_to_milliseconds member: timestamp -> int
getMilliseconds timestamp_to_milliseconds_with_tz member: timestamp; string -> int
getMilliseconds duration_to_milliseconds member: duration -> int
getMinutes timestamp_to_minutes member: timestamp -> int
getMinutes timestamp_to_minutes_with_tz member: timestamp; string -> int
getMinutes duration_to_minutes member: duration -> int
getMonth timestamp_to_month member: timestamp -> int
getMonth timestamp_to_month_with_tz member: timestamp; string -> int
getPort url_get_port member: kubernetes.URL -> string
getQuery url_get_query member: kubernetes.URL -> map(string, list(string))
getScheme url_get_scheme member: kubernetes.URL -> string
getSeconds timestamp_to_seconds member: timestamp -> int
getSeconds timestamp_to_seconds_tz member: timestamp; string -> int
getSeconds duration_to_seconds member: duration -> int
group authorizer_group member: kubernetes.authorization.Authorizer; string -> kubernetes.authorization.GroupCheck
hasValue optional_hasValue member: optional_type(V) -> bool
indexOf list_a_index_of_int member: list(A); A -> int
indexOf string_index_of_string member: string; string -> int
indexOf string_index_of_string_int member: string; string; int -> int
int int64_to_int64 global: int -> int
int double_to_int64 global: double -> int
int duration_to_int64 global: duration -> int
int string_to_int64 global: string -> int
int timestamp_to_int64 global: timestamp -> int
int uint64_to_int64 global: uint -> int
ip string_to_ip global: string -> net.IP
ip cidr_ip member: net.CIDR -> net.IP
ip.isCanonical ip_is_canonical global: string -> bool
isCIDR is_cidr global: string -> bool
isGlobalUnicast ip_is_global_unicast member: net.IP -> bool
isGreaterThan quantity_is_greater_than member: kubernetes.Quantity; kubernetes.Quantity -> bool
isGreaterThan semver_is_greater_than member: kubernetes.Semver; kubernetes.Semver -> bool
isIP is_ip global: string -> bool
isInteger quantity_is_integer member: kubernetes.Quantity -> bool
isLessThan quantity_is_less_than member: kubernetes.Quantity; kubernetes.Quantity -> bool
isLessThan semver_is_less_than member: kubernetes.Semver; kubernetes.Semver -> bool
isLinkLocalMulticast ip_is_link_local_multicast member: net.IP -> bool
isLinkLocalUnicast ip_is_link_local_unicast member: net.IP -> bool
isLoopback ip_is_loopback member: net.IP -> bool
isQuantity is_quantity_string global: string -> bool
isSemver is_semver_string global: string -> bool
isSemver is_semver_string_bool global: string; bool -> bool
isSorted list_int_is_sorted_bool member: list(int) -> bool
isSorted list_uint_is_sorted_bool member: list(uint) -> bool
isSorted list_double_is_sorted_bool member: list(double) -> bool
isSorted list_bool_is_sorted_bool member: list(bool) -> bool
isSorted list_duration_is_sorted_bool member: list(duration) -> bool
isSorted list_timestamp_is_sorted_bool member: list(timestamp) -> bool
isSorted list_string_is_sorted_bool member: list(string) -> bool
isSorted list_bytes_is_sorted_bool member: list(bytes) -> bool
isURL is_url_string global: string -> bool
isUnspecified ip_is_unspecified member: net.IP -> bool
join list_join member: list(string) -> string
join list_join_string member: list(string); string -> string
labelSelector authorizer_labelselector member: kubernetes.authorization.ResourceCheck; string -> kubernetes.authorization.ResourceCheck
last list_last member: list(V) -> optional_type(V)
lastIndexOf list_a_last_index_of_int member: list(A); A -> int
lastIndexOf string_last_index_of_string member: string; string -> int
lastIndexOf string_last_index_of_string_int member: string; string; int -> int
lists.range lists_range global: int -> list(int)
lowerAscii string_lower_ascii member: string -> string
major semver_major member: kubernetes.Semver -> int
masked cidr_masked member: net.CIDR -> net.CIDR
matches matches global: string; string -> bool
matches matches_string member: string; string -> bool
max list_int_max_int member: list(int) -> int
max list_uint_max_uint member: list(uint) -> uint
max list_double_max_double member: list(double) -> double
max list_bool_max_bool member: list(bool) -> bool
max list_duration_max_duration member: list(duration) -> duration
max list_timestamp_max_timestamp member: list(timestamp) -> timestamp
max list_string_max_string member: list(string) -> string
max list_bytes_max_bytes member: list(bytes) -> bytes
min list_int_min_int member: list(int) -> int
min list_uint_min_uint member: list(uint) -> uint
min list_double_min_double member: list(double) -> double
min list_bool_min_bool member: list(bool) -> bool
min list_duration_min_duration member: list(duration) -> duration
min list_timestamp_min_timestamp member: list(timestamp) -> timestamp
min list_string_min_string member: list(string) -> string
min list_bytes_min_bytes member: list(bytes) -> bytes
minor semver_minor member: kubernetes.Semver -> int
name resourcecheck_name member: kubernetes.authorization.ResourceCheck; string -> kubernetes.authorization.ResourceCheck
namespace resourcecheck_namespace member: kubernetes.authorization.ResourceCheck; string -> kubernetes.authorization.ResourceCheck
optional.none optional_none global: -> optional_type(V)
optional.of optional_of global: V -> optional_type(V)
optional.ofNonZeroValue optional_ofNonZeroValue global: V -> optional_type(V)
optional.unwrap optional_unwrap global: list(optional_type(V)) -> list(V)
or optional_or_optional member: optional_type(V); optional_type(V) -> optional_type(V)
orValue optional_orValue_value member: optional_type(V); V -> V
patch semver_patch member: kubernetes.Semver -> int
path authorizer_path member: kubernetes.authorization.Authorizer; string -> kubernetes.authorization.PathCheck
prefixLength cidr_prefix_length member: net.CIDR -> int
quantity string_to_quantity global: string -> kubernetes.Quantity
reason decision_reason member: kubernetes.authorization.Decision -> string
replace string_replace_string_string member: string; string; string -> string
replace string_replace_string_string_int member: string; string; string; int -> string
resource groupcheck_resource member: kubernetes.authorization.GroupCheck; string -> kubernetes.authorization.ResourceCheck
reverse list_reverse member: list(T) -> list(T)
semver string_to_semver global: string -> kubernetes.Semver
semver string_bool_to_semver global: string; bool -> kubernetes.Semver
serviceAccount authorizer_serviceaccount member: kubernetes.authorization.Authorizer; string; string -> kubernetes.authorization.Authorizer
sets.contains list_sets_contains_list global: list(T); list(T) -> bool
sets.equivalent list_sets_equivalent_list global: list(T); list(T) -> bool
sets.intersects list_sets_intersects_list global: list(T); list(T) -> bool
sign quantity_sign global: kubernetes.Quantity -> int
size size_bytes global: bytes -> int
size bytes_size member: bytes -> int
size size_list global: list(A) -> int
size list_size member: list(A) -> int
size size_map global: map(A, B) -> int
size map_size member: map(A, B) -> int
size size_string global: string -> int
size string_size member: string -> int
slice list_slice member: list(T); int; int -> list(T)
sort list_int_sort member: list(int) -> list(int)
sort list_uint_sort member: list(uint) -> list(uint)
sort list_double_sort member: list(double) -> list(double)
sort list_bool_sort member: list(bool) -> list(bool)
sort list_google.protobuf.Duration_sort member: list(duration) -> list(duration)
sort list_google.protobuf.Timestamp_sort member: list(timestamp) -> list(timestamp)
sort list_string_sort member: list(string) -> list(string)
sort list_bytes_sort member: list(bytes) -> list(bytes)
split string_split_string member: string; string -> list(string)
split string_split_string_int member: string; string; int -> list(string)
startsWith starts_with_string member: string; string -> bool
string string_to_string global: string -> string
string bool_to_string global: bool -> string
string bytes_to_string global: bytes -> string
string double_to_string global: double -> string
string duration_to_string global: duration -> string
string int64_to_string global: int -> string
string timestamp_to_string global: timestamp -> string
string uint64_to_string global: uint -> string
string ip_to_string global: net.IP -> string
string cidr_to_string global: net.CIDR -> string
strings.quote strings_quote global: string -> string
sub quantity_sub member: kubernetes.Quantity; kubernetes.Quantity -> kubernetes.Quantity
sub quantity_sub_int member: kubernetes.Quantity; int -> kubernetes.Quantity
subresource resourcecheck_subresource member: kubernetes.authorization.ResourceCheck; string -> kubernetes.authorization.ResourceCheck
substring string_substring_int member: string; int -> string
substring string_substring_int_int member: string; int; int -> string
sum list_int_sum_int member: list(int) -> int
sum list_uint_sum_uint member: list(uint) -> uint
sum list_double_sum_double member: list(double) -> double
sum list_duration_sum_duration member: list(duration) -> duration
timestamp timestamp_to_timestamp global: timestamp -> timestamp
timestamp int64_to_timestamp global: int -> timestamp
timestamp string_to_timestamp global: string -> timestamp
trim string_trim member: string -> string
type type global: A -> type(A)
uint uint64_to_uint64 global: uint -> uint
uint double_to_uint64 global: double -> uint
uint int64_to_uint64 global: int -> uint
uint string_to_uint64 global: string -> uint
unwrapOpt optional_unwrapOpt member: list(optional_type(V)) -> list(V)
upperAscii string_upper_ascii member: string -> string
url string_to_url global: string -> kubernetes.URL
validate format-validate member: kubernetes.NamedFormat; string -> optional_type(list(string))
value optional_value member: optional_type(V) -> V
`;
