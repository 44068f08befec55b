//! Statements and expressions in one spelling, whatever their layout, comments and docstrings.

use ruff_python_ast::{Arguments, CmpOp, Expr, Stmt};
use ruff_text_size::Ranged;

/// Why something is not in the small language that is understood here.
pub(super) struct Refused {
    pub(super) offset: usize,
    pub(super) reason: String,
}

/// What `context.configure` is told about the version table.
#[derive(Default)]
pub(super) struct Configure {
    pub(super) version_table: Option<String>,
    pub(super) version_table_schema: Option<String>,
}

/// Arguments of `context.configure` that don't touch where the heads are found.
const HARMLESS: &[&str] = &[
    "compare_server_default",
    "compare_type",
    "include_schemas",
    "render_as_batch",
    "transaction_per_migration",
];

/// The statements, one a line, blocks indented by four spaces; what `context.configure` is given goes to `configure`.
pub(super) fn body_text(
    body: &[Stmt],
    configure: &mut Option<Configure>,
) -> Result<String, Refused> {
    let mut text = String::new();
    for statement in body {
        match statement {
            Stmt::Expr(expression) if expression.value.is_string_literal_expr() => {}
            Stmt::Expr(expression) => match &*expression.value {
                Expr::Call(call) if is_name(&call.func, "context.configure") => {
                    *configure = Some(read_configure(&call.arguments)?);
                    text += "context.configure()\n";
                }
                value => text += &format!("{}\n", expression_text(value)?),
            },
            Stmt::Assign(assign) => match assign.targets.as_slice() {
                [target] => {
                    text += &format!(
                        "{} = {}\n",
                        expression_text(target)?,
                        expression_text(&assign.value)?
                    );
                }
                _ => return Err(unknown(statement)),
            },
            Stmt::AnnAssign(assign) => match &assign.value {
                Some(value) => {
                    text += &format!(
                        "{} = {}\n",
                        expression_text(&assign.target)?,
                        expression_text(value)?
                    );
                }
                None => return Err(unknown(statement)),
            },
            Stmt::With(with) => {
                let [item] = with.items.as_slice() else {
                    return Err(unknown(statement));
                };
                let word = if with.is_async { "async with" } else { "with" };
                let bound = match &item.optional_vars {
                    Some(target) => format!(" as {}", expression_text(target)?),
                    None => String::new(),
                };
                text += &format!("{word} {}{bound}:\n", expression_text(&item.context_expr)?);
                for line in body_text(&with.body, configure)?.lines() {
                    text += &format!("    {line}\n");
                }
            }
            _ => return Err(unknown(statement)),
        }
    }
    Ok(text)
}

/// The expression in one spelling.
pub(super) fn expression_text(expression: &Expr) -> Result<String, Refused> {
    Ok(match expression {
        Expr::Name(name) => name.id.to_string(),
        Expr::Attribute(attribute) => {
            format!("{}.{}", expression_text(&attribute.value)?, attribute.attr)
        }
        Expr::StringLiteral(literal) => format!("'{}'", literal.value.to_str()),
        Expr::BooleanLiteral(literal) => if literal.value { "True" } else { "False" }.to_owned(),
        Expr::NoneLiteral(_) => "None".to_owned(),
        Expr::Dict(dict) if dict.items.is_empty() => "{}".to_owned(),
        Expr::Await(awaited) => format!("await {}", expression_text(&awaited.value)?),
        Expr::Compare(compare) => match (&*compare.ops, &*compare.comparators) {
            ([CmpOp::IsNot], [right]) => {
                format!(
                    "{} is not {}",
                    expression_text(&compare.left)?,
                    expression_text(right)?
                )
            }
            _ => return Err(unknown(expression)),
        },
        Expr::Call(call) => {
            let mut arguments = Vec::new();
            for argument in &call.arguments.args {
                arguments.push(expression_text(argument)?);
            }
            for keyword in &call.arguments.keywords {
                let name = keyword.arg.as_ref().ok_or_else(|| unknown(expression))?;
                arguments.push(format!("{name}={}", expression_text(&keyword.value)?));
            }
            format!("{}({})", expression_text(&call.func)?, arguments.join(", "))
        }
        _ => return Err(unknown(expression)),
    })
}

fn read_configure(arguments: &Arguments) -> Result<Configure, Refused> {
    let mut configure = Configure::default();
    let mut connection = false;
    if let Some(first) = arguments.args.first() {
        return Err(unknown(first));
    }
    for keyword in &arguments.keywords {
        let name = keyword.arg.as_ref().map_or("", |name| name.as_str());
        match (name, &keyword.value) {
            ("connection", value) if is_name(value, "connection") => connection = true,
            ("target_metadata", value) if is_name(value, "target_metadata") => {}
            ("version_table", Expr::StringLiteral(text)) => {
                configure.version_table = Some(text.value.to_string());
            }
            ("version_table_schema", Expr::StringLiteral(text)) => {
                configure.version_table_schema = Some(text.value.to_string());
            }
            (name, Expr::BooleanLiteral(_)) if HARMLESS.contains(&name) => {}
            _ => return Err(unknown(keyword)),
        }
    }
    if connection {
        Ok(configure)
    } else {
        Err(unknown(arguments))
    }
}

fn is_name(expression: &Expr, name: &str) -> bool {
    matches!(expression_text(expression), Ok(text) if text == name)
}

fn unknown(node: &impl Ranged) -> Refused {
    Refused {
        offset: node.range().start().to_usize() + 1,
        reason: "something that the stock templates don't have".into(),
    }
}
