"""What a transform may use; it imports nothing else from dockerfix.

Values of the text and syntax layers, the facts, permits, edits of call sites, and the types of
a proposal. What is not here is private.
"""

from dockerfix.engine.draft import Draft
from dockerfix.engine.ladder import StepDown
from dockerfix.engine.proposal import OptionSpec, Proposal, Transform
from dockerfix.facts.builds import job_of
from dockerfix.facts.builds.files.candidates import is_program
from dockerfix.facts.builds.github.actions import scans
from dockerfix.facts.builds.github.workflows import is_typed
from dockerfix.facts.builds.pattern_prerequisites import pattern_prerequisites
from dockerfix.facts.cargo import ManifestError, Workspace
from dockerfix.facts.cargo.commands import (
    CargoCall,
    CargoFlag,
    cargo_calls,
    read_cargo,
    selected,
)
from dockerfix.facts.cargo.native import crates_that_notice
from dockerfix.facts.changed_first import changed_first
from dockerfix.facts.context.allowed import (
    exceptions,
    is_allow_list,
    kept_rules,
    line_in_the_way,
    split_allow_list,
)
from dockerfix.facts.context.assumed import likely_context
from dockerfix.facts.context.senders import (
    Sent,
    classic_rules,
    emptied,
    heaviest,
    rules_of,
    sent_of,
)
from dockerfix.facts.context.steps import named_folders
from dockerfix.facts.context.unfollowed import is_given, names_file, unfollowed_places
from dockerfix.facts.context.used import ContextUse, read_of, used_of
from dockerfix.facts.dockerfile.cargo_chef import repeats_bin
from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.facts.dockerfile.places import (
    IsFolder,
    Placed,
    apart,
    folders,
    placed,
    sources_of,
    within,
)
from dockerfix.facts.dockerfile.prints import only_prints
from dockerfix.facts.dockerfile.stages import Reference, StageGraph
from dockerfix.facts.dockerfile.stand_ins import only_touches, stand_ins
from dockerfix.facts.dockerfile.variables import ExpansionError, global_variables
from dockerfix.facts.dockerfile.walk import At, walk
from dockerfix.facts.finding import Finding, RefusalError, Severity, is_accepted
from dockerfix.facts.gitlab.buildx import Buildx, buildx_of, calls_buildx, wants_old_builder
from dockerfix.facts.gitlab.cache_keys import shared_caches
from dockerfix.facts.gitlab.commands import CommandReader, Commands, Ran
from dockerfix.facts.gitlab.gates import plain
from dockerfix.facts.gitlab.image_names import ImageName, image_name, may_be_same
from dockerfix.facts.gitlab.pipeline import Job, Line, Need, Pipeline, Rule
from dockerfix.facts.gitlab.presence import AlwaysThere, Missing, implies
from dockerfix.facts.gitlab.ran import said_words
from dockerfix.facts.gitlab.refs import (
    named_branches,
    never_on_default_branch,
    only_for_tags,
    only_on_default_branch,
)
from dockerfix.facts.gitlab.running import runs_otherwise
from dockerfix.facts.gitlab.schedule import Schedule
from dockerfix.facts.gitlab.settings import Artifacts, Cache
from dockerfix.facts.given import values_given
from dockerfix.facts.go.commands import GoCall, fetches_modules, only_reads_go, read_go
from dockerfix.facts.image_ref import without_tag
from dockerfix.facts.images.cache_sources import CacheSources
from dockerfix.facts.images.caches import CacheSpec, is_per_ref, read_cache, tag_of
from dockerfix.facts.images.makers import find_maker, triggers_of
from dockerfix.facts.images.published import (
    lacking_platform,
    runs_without,
    sometimes_pushed,
    unknown_name,
)
from dockerfix.facts.images.registries import (
    HUB,
    pushed_images,
    pushed_registries,
    registry_of,
    repository_of,
)
from dockerfix.facts.images.used import (
    Made,
    UnreadImageError,
    Used,
    environment,
    makers,
    makes_image,
    used_images,
)
from dockerfix.facts.links import links_to
from dockerfix.facts.mentions import PathMention, path_mentions
from dockerfix.facts.model import Blind, Build, BuildArgument, CallSite, SiteKind, Tool, Value
from dockerfix.facts.named_words import named_words
from dockerfix.facts.repository import Facts
from dockerfix.facts.shell.words import OPAQUE
from dockerfix.facts.text_uses import hands_on
from dockerfix.facts.trees.ignore import (
    BadIgnoreError,
    IgnoreFile,
    IgnoreLine,
    Judge,
    read_ignore,
)
from dockerfix.facts.trees.projection import (
    ProjectionError,
    as_line,
    project_lines,
    project_rules,
)
from dockerfix.facts.trees.weight import Weight
from dockerfix.facts.unreadable import unreadable
from dockerfix.proof.obligation import Image, Permit
from dockerfix.rewrite import (
    Baked,
    Change,
    Edits,
    Joined,
    Refused,
    Wanted,
    add_need,
    bake_file,
    bake_variables,
    builds_in_comment,
    check_joinable,
    check_same_runs,
    join_jobs,
    lacks_target,
    set_builds,
    set_paths,
    shared_flags,
    united,
    widen_rules,
)
from dockerfix.rewrite.caches import (
    Caches,
    declare,
    line_break,
    put_above,
    set_caches,
    take_above,
)
from dockerfix.rewrite.gitlab.names import key_text
from dockerfix.rewrite.pipeline_edits import JobEditor, PipelineEditor, edit
from dockerfix.rewrite.workflow_heads import rows_of
from dockerfix.rewrite.workflow_jobs import (
    JoinedJob,
    frame_of,
    job_entries,
    join_workflow_jobs,
    split_workflow_job,
)
from dockerfix.rewrite.yaml_edits import entry_lines, written
from dockerfix.syntax.dockerfile import (
    Add,
    Arg,
    Comment,
    Copy,
    Dockerfile,
    Env,
    From,
    Instruction,
    Label,
    Mount,
    Onbuild,
    Run,
    Stage,
    Word,
    parse,
)
from dockerfix.syntax.dockerfile.problems import rejections
from dockerfix.syntax.shell import (
    SHELLS,
    Assignment,
    Block,
    Command,
    Function,
    Literal,
    Loop,
    Opaque,
    Part,
    Script,
    ShellWord,
    Statement,
    Variable,
    parse_shell,
)
from dockerfix.syntax.yaml.tree import (
    Mapping,
    Node,
    Scalar,
    Sequence,
    YamlError,
    YamlFile,
    parse_yaml,
)
from dockerfix.text import (
    Edit,
    EditSet,
    Kind,
    MappedText,
    Newline,
    Place,
    Snapshot,
    SnapshotError,
    Source,
    Span,
    UnreadableError,
    inner_path,
    is_within,
    join_path,
    normalise_path,
    relative_path,
)
from dockerfix.text.subsequence import common_subsequence
from dockerfix.text.units import all_of, counted, human

__all__ = [
    "HUB",
    "OPAQUE",
    "SHELLS",
    "Add",
    "AlwaysThere",
    "Arg",
    "Artifacts",
    "Assignment",
    "At",
    "BadIgnoreError",
    "Baked",
    "Blind",
    "Block",
    "Build",
    "BuildArgument",
    "Buildx",
    "Cache",
    "CacheSources",
    "CacheSpec",
    "Caches",
    "CallSite",
    "CargoCall",
    "CargoFlag",
    "Change",
    "Command",
    "CommandReader",
    "Commands",
    "Comment",
    "ContextUse",
    "Copy",
    "Dockerfile",
    "Draft",
    "Edit",
    "EditSet",
    "Edits",
    "Env",
    "ExpansionError",
    "Facts",
    "Finding",
    "From",
    "Function",
    "GoCall",
    "IgnoreFile",
    "IgnoreLine",
    "Image",
    "ImageName",
    "Instruction",
    "IsFolder",
    "Job",
    "JobEditor",
    "Joined",
    "JoinedJob",
    "Judge",
    "Kind",
    "Label",
    "Line",
    "Literal",
    "Loop",
    "Made",
    "ManifestError",
    "MappedText",
    "Mapping",
    "Missing",
    "Mount",
    "Need",
    "Newline",
    "Node",
    "Onbuild",
    "Opaque",
    "OptionSpec",
    "Part",
    "PathMention",
    "Permit",
    "Pipeline",
    "PipelineEditor",
    "Place",
    "Placed",
    "ProjectionError",
    "Proposal",
    "Ran",
    "Reference",
    "RefusalError",
    "Refused",
    "Rule",
    "Run",
    "Scalar",
    "Schedule",
    "Script",
    "Sent",
    "Sequence",
    "Severity",
    "ShellWord",
    "SiteKind",
    "Snapshot",
    "SnapshotError",
    "Source",
    "Span",
    "Stage",
    "StageGraph",
    "Statement",
    "StepDown",
    "Tool",
    "Transform",
    "UnreadImageError",
    "UnreadableError",
    "Used",
    "Value",
    "Variable",
    "Wanted",
    "Weight",
    "Word",
    "Workspace",
    "YamlError",
    "YamlFile",
    "add_need",
    "all_of",
    "apart",
    "as_line",
    "bake_file",
    "bake_variables",
    "builds_in_comment",
    "buildx_of",
    "calls_buildx",
    "cargo_calls",
    "changed_first",
    "check_joinable",
    "check_same_runs",
    "classic_rules",
    "common_subsequence",
    "counted",
    "crates_that_notice",
    "declare",
    "edit",
    "emptied",
    "entry_lines",
    "environment",
    "exceptions",
    "fetches_modules",
    "find_maker",
    "folders",
    "frame_of",
    "global_variables",
    "hands_on",
    "heaviest",
    "human",
    "image_name",
    "implies",
    "inner_path",
    "is_accepted",
    "is_allow_list",
    "is_dockerfile",
    "is_given",
    "is_per_ref",
    "is_program",
    "is_typed",
    "is_within",
    "job_entries",
    "job_of",
    "join_jobs",
    "join_path",
    "join_workflow_jobs",
    "kept_rules",
    "key_text",
    "lacking_platform",
    "lacks_target",
    "likely_context",
    "line_break",
    "line_in_the_way",
    "links_to",
    "makers",
    "makes_image",
    "may_be_same",
    "named_branches",
    "named_folders",
    "named_words",
    "names_file",
    "never_on_default_branch",
    "normalise_path",
    "only_for_tags",
    "only_on_default_branch",
    "only_prints",
    "only_reads_go",
    "only_touches",
    "parse",
    "parse_shell",
    "parse_yaml",
    "path_mentions",
    "pattern_prerequisites",
    "placed",
    "plain",
    "project_lines",
    "project_rules",
    "pushed_images",
    "pushed_registries",
    "put_above",
    "read_cache",
    "read_cargo",
    "read_go",
    "read_ignore",
    "read_of",
    "registry_of",
    "rejections",
    "relative_path",
    "repeats_bin",
    "repository_of",
    "rows_of",
    "rules_of",
    "runs_otherwise",
    "runs_without",
    "said_words",
    "scans",
    "selected",
    "sent_of",
    "set_builds",
    "set_caches",
    "set_paths",
    "shared_caches",
    "shared_flags",
    "sometimes_pushed",
    "sources_of",
    "split_allow_list",
    "split_workflow_job",
    "stand_ins",
    "tag_of",
    "take_above",
    "triggers_of",
    "unfollowed_places",
    "united",
    "unknown_name",
    "unreadable",
    "used_images",
    "used_of",
    "values_given",
    "walk",
    "wants_old_builder",
    "widen_rules",
    "within",
    "without_tag",
    "written",
]
