"""The resources of both clients, by their public names."""

from __future__ import annotations

from tropism.sdk.ab_tests import ABTests, AsyncABTests
from tropism.sdk.access import (
    ApiKeys,
    AsyncApiKeys,
    AsyncPermissions,
    AsyncRoles,
    AsyncTeams,
    AsyncUsers,
    Permissions,
    Roles,
    Teams,
    Users,
)
from tropism.sdk.audit import AsyncAudit, Audit
from tropism.sdk.chat import AsyncChat, Chat
from tropism.sdk.completions import AsyncCompletions, Completions
from tropism.sdk.compute_pools import AsyncComputePools, ComputePools
from tropism.sdk.costs import AsyncCosts, Costs
from tropism.sdk.datasets import AsyncDatasets, Datasets
from tropism.sdk.embeddings import AsyncEmbeddings, Embeddings
from tropism.sdk.evaluation import AsyncEvaluation, AsyncEvaluationJobs, Evaluation, EvaluationJobs
from tropism.sdk.feedback import AsyncFeedback, Feedback
from tropism.sdk.interactions import AsyncInteractions, Interactions
from tropism.sdk.jobs import AsyncJobs, Jobs
from tropism.sdk.judges import AsyncJudges, Judges
from tropism.sdk.limits import AsyncLimits, Limits
from tropism.sdk.models import AsyncModels, Models
from tropism.sdk.reward_servers import AsyncRewardServers, RewardServers
from tropism.sdk.sign_ins import AsyncPasswords, AsyncSignIns, Passwords, SignIns
from tropism.sdk.training import AsyncTraining, AsyncTrainingJobs, Training, TrainingJobs
from tropism.sdk.trends import AsyncTrends, Trends
from tropism.sdk.use_cases import AsyncUseCases, UseCases

__all__ = [
    "ABTests",
    "ApiKeys",
    "AsyncABTests",
    "AsyncApiKeys",
    "AsyncAudit",
    "AsyncChat",
    "AsyncCompletions",
    "AsyncComputePools",
    "AsyncCosts",
    "AsyncDatasets",
    "AsyncEmbeddings",
    "AsyncEvaluation",
    "AsyncEvaluationJobs",
    "AsyncFeedback",
    "AsyncInteractions",
    "AsyncJobs",
    "AsyncJudges",
    "AsyncLimits",
    "AsyncModels",
    "AsyncPasswords",
    "AsyncPermissions",
    "AsyncRewardServers",
    "AsyncRoles",
    "AsyncSignIns",
    "AsyncTeams",
    "AsyncTraining",
    "AsyncTrainingJobs",
    "AsyncTrends",
    "AsyncUseCases",
    "AsyncUsers",
    "Audit",
    "Chat",
    "Completions",
    "ComputePools",
    "Costs",
    "Datasets",
    "Embeddings",
    "Evaluation",
    "EvaluationJobs",
    "Feedback",
    "Interactions",
    "Jobs",
    "Judges",
    "Limits",
    "Models",
    "Passwords",
    "Permissions",
    "RewardServers",
    "Roles",
    "SignIns",
    "Teams",
    "Training",
    "TrainingJobs",
    "Trends",
    "UseCases",
    "Users",
]
