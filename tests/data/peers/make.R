# Rscript make.R: what lme4, glmmTMB and ordinal estimate, for tests/test_peers_in_r.py. Writes NAME.csv.gz and reference.json here.
#
# Gaussian models by lmer(REML = TRUE), others by glmmTMB(REML = TRUE), which integrates the fixed effects out by Laplace as well;
# the ordinal one by clmm, which maximizes the likelihood. All factors have treatment contrasts.

options(contrasts = c("contr.treatment", "contr.treatment"))
suppressPackageStartupMessages({
  library(lme4)
  library(glmmTMB)
  library(ordinal)
})
data(Contraception, package = "mlmRev")

maximal <- function() {
  set.seed(1)
  data <- expand.grid(subject = 1:60, item = 1:40)
  data$condition <- ifelse((data$subject + data$item) %% 2 == 0, 0.5, -0.5)
  effects <- function(n, sd, rho) {
    z <- matrix(rnorm(2 * n), n)
    cbind(sd[1] * z[, 1], sd[2] * (rho * z[, 1] + sqrt(1 - rho^2) * z[, 2]))
  }
  s <- effects(60, c(1, 0.7), 0.4)[data$subject, ]
  i <- effects(40, c(0.7, 0.5), -0.3)[data$item, ]
  eta <- 0.3 + 0.5 * data$condition + s[, 1] + i[, 1] + (s[, 2] + i[, 2]) * data$condition
  data$answer <- rbinom(nrow(data), 1, plogis(eta))
  transform(data, subject = factor(subject), item = factor(item))
}

contraception <- transform(Contraception, use = as.integer(use == "Y"))[c("use", "age", "urban", "livch", "district")]
verbagg <- transform(VerbAgg, said = as.integer(r2 == "Y"), resp = as.integer(resp) - 1L)
verbagg <- verbagg[c("said", "resp", "Anger", "Gender", "btype", "situ", "id", "item")]
owls <- transform(Owls, size = log(BroodSize))[c("SiblingNegotiation", "FoodTreatment", "SexParent", "size", "Nest")]
cakes <- transform(cake, bake = recipe:replicate)[c("angle", "recipe", "temp", "bake")]

models <- list(
  contraception = list(contraception, use ~ age + urban + livch + (urban | district), binomial()),
  verbagg = list(verbagg, said ~ Anger + Gender + btype + situ + (situ | id) + (1 | item), binomial()),
  maximal = list(maximal(), answer ~ condition + (condition | subject) + (condition | item), binomial()),
  sleepstudy = list(sleepstudy, Reaction ~ Days + (Days | Subject), gaussian()),
  cake = list(cakes, angle ~ recipe + temp + (1 | bake), gaussian()),
  dyestuff = list(Dyestuff, Yield ~ 1 + (1 | Batch), gaussian()),
  owls = list(owls, SiblingNegotiation ~ FoodTreatment * SexParent + size + (1 | Nest), nbinom2()),
  cake_gamma = list(cakes, angle ~ recipe + temp + (1 | bake), Gamma("log")),
  verbagg_ordinal = list(verbagg, resp ~ Anger + btype + situ + (1 | id), "cumulative")
)

number <- function(x) sprintf("%.12g", x)
array_of <- function(x) paste0("[", paste(x, collapse = ", "), "]")
object <- function(x) paste0("{", paste0("\"", names(x), "\": ", x, collapse = ", "), "}")

fit <- function(data, formula, family) {
  if (identical(family, "cumulative")) {
    data$resp <- factor(data$resp, ordered = TRUE)
    return(clmm(formula, data = data, control = clmm.control(gradTol = 1e-6)))
  }
  if (family$family == "gaussian") {
    return(lmer(formula, data, control = lmerControl(optCtrl = list(xtol_abs = 1e-9, ftol_abs = 1e-9))))
  }
  glmmTMB(formula, data, family = family, REML = TRUE)
}

estimates <- function(result, family) {
  part <- function(x) if (inherits(result, "glmmTMB")) x$cond else x
  ordinal <- inherits(result, "clmm")
  fixed <- if (ordinal) c(result$alpha, result$beta) else part(fixef(result))
  blocks <- part(VarCorr(result))
  correlations <- unlist(lapply(blocks, function(block) {
    full <- cov2cor(as.matrix(block))
    t(full)[upper.tri(full)]
  }))
  shape <- switch(if (ordinal) "" else family$family,
    gaussian = sigma(result), nbinom2 = 1 / sigma(result), Gamma = sigma(result)^2, NULL
  )
  object(c(
    names = array_of(paste0("\"", names(fixed), "\"")),
    fixed = array_of(number(fixed)),
    sd = array_of(number(unlist(lapply(blocks, function(block) attr(block, "stddev"))))),
    cor = array_of(if (length(correlations)) number(correlations)),
    shape = array_of(if (length(shape)) number(shape)),
    loglik = number(as.numeric(logLik(result)))
  ))
}

found <- lapply(names(models), function(name) {
  model <- models[[name]]
  file <- gzfile(paste0(sub("_.*", "", name), ".csv.gz"), "w")
  write.csv(model[[1]], file, row.names = FALSE, quote = FALSE)
  close(file)
  cat(name, "\n")
  estimates(suppressMessages(fit(model[[1]], model[[2]], model[[3]])), model[[3]])
})
writeLines(paste0("{\n", paste0("\"", names(models), "\": ", found, collapse = ",\n"), "\n}"), "reference.json")
